"""A SAML identity provider made of pysaml2.

One command on standard input as JSON, one answer on standard output as JSON;
`{"refused": "…"}` when the toolkit turns something down.
"""

import json
import sys
import time

import saml2.entity
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import AUTHN_PASSWORD_PROTECTED, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import CryptoBackendXmlSec1, pre_encryption_part
from saml2.samlp import STATUS_AUTHN_FAILED

given = json.load(sys.stdin)
AES_256_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"


def encrypt_as_of_today():
    """The toolkit's own default is Triple DES."""
    encrypt = CryptoBackendXmlSec1.encrypt_assertion

    def with_aes(self, statement, enc_key, template, _key_type=None, *more, **named):
        return encrypt(self, statement, enc_key, template, "aes-256", *more, **named)

    CryptoBackendXmlSec1.encrypt_assertion = with_aes
    saml2.entity.pre_encryption_part = lambda **more: pre_encryption_part(msg_enc=AES_256_GCM, **more)


def binding():
    """How requests come here."""
    return BINDING_HTTP_POST if given.get("byPost") else BINDING_HTTP_REDIRECT


def configuration():
    settings = {
        "entityid": given["entityId"],
        "key_file": given["keyFile"],
        "cert_file": given["certificateFile"],
        "xmlsec_binary": given["xmlsec1"],
        "accepted_time_diff": 5,
        "service": {
            "idp": {
                "endpoints": {"single_sign_on_service": [(given["ssoUrl"], binding())]},
                "want_authn_requests_signed": True,
                "want_authn_requests_only_with_valid_cert": False,
                "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                "digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
                "policy": {"default": {"lifetime": {"minutes": 5}}},
            }
        },
    }
    if "spMetadata" in given:
        settings["metadata"] = {"inline": [given["spMetadata"]]}
    return IdPConfig().load(settings)


def metadata():
    return {"metadata": str(entity_descriptor(configuration()))}


def response():
    """The answer to the request in a query, or in a form, whose signature has to be good."""
    server = Server(config=configuration())
    query = given["query"]
    request = server.parse_authn_request(
        query["SAMLRequest"],
        binding(),
        relay_state=query["RelayState"],
        sigalg=query.get("SigAlg"),
        signature=query.get("Signature"),
    )
    answer = server.response_args(request.message)
    to = {"in_response_to": answer["in_response_to"], "destination": answer["destination"]}
    if "refuse" in given:
        made = server.create_error_response(info=(STATUS_AUTHN_FAILED, "not today"), sign=True, **to)
        return {"samlResponse": str(made)}
    if given.get("encrypt"):
        encrypt_as_of_today()
    name = NameID(
        format=given.get("format", NAMEID_FORMAT_PERSISTENT),
        sp_name_qualifier=given["spEntityId"],
        text=given["subject"],
    )
    authn = {"class_ref": AUTHN_PASSWORD_PROTECTED, "authn_auth": given["entityId"]}
    if "authnAge" in given:
        authn["authn_instant"] = time.time() - given["authnAge"]
    made = server.create_authn_response(
        given["attributes"],
        sp_entity_id=given["spEntityId"],
        name_id=name,
        authn=authn,
        sign_assertion=given.get("signAssertion", True),
        sign_response=given.get("signResponse", False),
        encrypt_assertion=given.get("encrypt", False),
        **to,
    )
    return {"samlResponse": str(made), "forceAuthn": request.message.force_authn}


commands = {"metadata": metadata, "response": response}

try:
    answer = commands[given["command"]]()
except Exception as error:  # noqa: BLE001: whatever it is, the toolkit did not accept
    answer = {"refused": f"{type(error).__name__}: {error}"}
json.dump(answer, sys.stdout)
