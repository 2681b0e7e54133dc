"""A SAML service provider made of pysaml2.

One command on standard input as JSON, one answer on standard output as JSON;
`{"refused": "…"}` when the toolkit turns something down.
"""

import json
import sys

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor

given = json.load(sys.stdin)


def configuration():
    settings = {
        "entityid": given["entityId"],
        "key_file": given["keyFile"],
        "cert_file": given["certificateFile"],
        "xmlsec_binary": given["xmlsec1"],
        "accepted_time_diff": 5,
        "allow_unknown_attributes": True,
        "service": {
            "sp": {
                "endpoints": {"assertion_consumer_service": [(given["acsUrl"], BINDING_HTTP_POST)]},
                "authn_requests_signed": True,
                "want_assertions_signed": given.get("wantAssertionsSigned", True),
                "want_response_signed": given.get("wantResponseSigned", False),
                "allow_unsolicited": given.get("allowUnsolicited", False),
                "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                "digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
            }
        },
    }
    if "idpMetadataFile" in given:
        settings["metadata"] = {"local": [given["idpMetadataFile"]]}
    return SPConfig().load(settings)


def metadata():
    return {"metadata": str(entity_descriptor(configuration()))}


def request(binding):
    client = Saml2Client(configuration())
    identifier, http = client.prepare_for_authenticate(
        entityid=given["idpEntityId"], relay_state=given.get("relayState", ""), binding=binding, sign=True
    )
    if binding == BINDING_HTTP_REDIRECT:
        return {"id": identifier, "url": dict(http["headers"])["Location"]}
    return {"id": identifier, "page": http["data"]}


def response():
    client = Saml2Client(configuration())
    # The request that is waited for; none for sign-on that the identity provider began.
    outstanding = {given["requestId"]: "/"} if "requestId" in given else {}
    parsed = client.parse_authn_request_response(given["samlResponse"], BINDING_HTTP_POST, outstanding)
    if parsed is None:
        raise ValueError("no response")
    return {
        "subject": str(parsed.name_id.text),
        "format": parsed.name_id.format,
        "attributes": parsed.ava,
        "issuer": parsed.issuer(),
        "inResponseTo": parsed.in_response_to,
    }


commands = {
    "metadata": metadata,
    "redirect": lambda: request(BINDING_HTTP_REDIRECT),
    "post": lambda: request(BINDING_HTTP_POST),
    "response": response,
}

try:
    answer = commands[given["command"]]()
except Exception as error:  # noqa: BLE001: whatever it is, the toolkit did not accept
    answer = {"refused": f"{type(error).__name__}: {error}"}
json.dump(answer, sys.stdout)
