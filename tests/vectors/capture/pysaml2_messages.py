"""What pysaml2 sends as a service provider."""

import importlib.metadata
import re

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT, Issuer, NameID
from saml2.samlp import LogoutRequest

VERSION = "pysaml2 " + importlib.metadata.version("pysaml2")
SIGNATURE = "http://www.w3.org/2001/04/xmldsig-more#rsa-"
DIGEST = "http://www.w3.org/2001/04/xmlenc#"


def client(world, party, sign, algorithm="sha256", **sp):
    settings = {
        "entityid": f"https://{party}.example.com/metadata",
        "key_file": world.key_file,
        "cert_file": world.certificate_file,
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "metadata": {"local": [world.idp_metadata_file]},
        "service": {
            "sp": {
                "endpoints": {
                    "assertion_consumer_service": [(f"https://{party}.example.com/acs", BINDING_HTTP_POST)],
                    "single_logout_service": [(f"https://{party}.example.com/slo", BINDING_HTTP_REDIRECT)],
                },
                "authn_requests_signed": sign,
                "logout_requests_signed": sign,
                "signing_algorithm": SIGNATURE + algorithm,
                "digest_algorithm": DIGEST + ("sha512" if algorithm == "sha512" else "sha256"),
                **sp,
            }
        },
    }
    return Saml2Client(SPConfig().load(settings))


def sent(http, binding):
    """The URL of a redirect, or the fields of the form."""
    if binding == BINDING_HTTP_REDIRECT:
        return {"url": dict(http["headers"])["Location"]}
    return {"fields": re.findall(r'name="(\w+)"\s+value="([^"]*)"', http["data"])}


def messages(world):
    found = []

    def add(name, how, why, rule, http, binding):
        found.append({"name": f"pysaml2-{name}", "from": f"{VERSION}, {how}", "why": why, "rule": rule,
                      **sent(http, binding)})

    def authn(name, how, why, party="unsigned", sign=False, binding=BINDING_HTTP_REDIRECT, relay="", algorithm="sha256",
              request=None, **sp):
        _, http = client(world, party, sign, algorithm, **sp).prepare_for_authenticate(
            entityid=world.idp, relay_state=relay, binding=binding, sign=sign, **(request or {}))
        add(name, how, why, "saml", http, binding)

    post = BINDING_HTTP_POST
    authn("redirect", "Redirect, unsigned", "Its plain AuthnRequest.")
    authn("redirect-relay-state", "Redirect, unsigned", "RelayState that is a URL with a query.", relay="https://unsigned.example.com/app?a=b&c=d")
    authn("redirect-force-authn", "Redirect, unsigned", "ForceAuthn is set.", request={"force_authn": "true"})
    authn("redirect-is-passive", "Redirect, unsigned", "IsPassive is set.", request={"is_passive": "true"})
    authn("redirect-persistent", "Redirect, unsigned", "A persistent NameID is asked for.", name_id_policy_format=NAMEID_FORMAT_PERSISTENT)
    authn("redirect-transient", "Redirect, unsigned", "A transient NameID is asked for.", name_id_policy_format=NAMEID_FORMAT_TRANSIENT)
    authn("redirect-authn-context", "Redirect, unsigned", "A class of authentication context is asked for.", request={
        "requested_authn_context": {"authn_context_class_ref": ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"], "comparison": "exact"}})
    authn("redirect-signed", "Redirect, RSA-SHA256", "A detached signature.", "sp", True)
    authn("redirect-signed-relay-state", "Redirect, RSA-SHA256", "A detached signature over RelayState.", "sp", True, relay="/app?x=1")
    authn("redirect-signed-sha384", "Redirect, RSA-SHA384", "A detached signature with SHA-384.", "sp", True, algorithm="sha384")
    authn("redirect-signed-sha512", "Redirect, RSA-SHA512", "A detached signature with SHA-512.", "sp", True, algorithm="sha512")
    authn("post", "POST, unsigned", "Its plain AuthnRequest in a form.", binding=post)
    authn("post-relay-state", "POST, unsigned", "RelayState in a form.", binding=post, relay="/app?x=1")
    authn("post-signed", "POST, RSA-SHA256", "An enveloped signature of xmlsec1's.", "sp", True, post)
    authn("post-signed-relay-state", "POST, RSA-SHA256", "An enveloped signature, and RelayState.", "sp", True, post, relay="/app")
    authn("post-signed-sha512", "POST, RSA-SHA512", "An enveloped signature with SHA-512.", "sp", True, post, algorithm="sha512")
    authn("post-signed-force-authn", "POST, RSA-SHA256", "ForceAuthn is set, and signed.", "sp", True, post, request={"force_authn": "true"})

    subject = NameID(format=NAMEID_FORMAT_PERSISTENT, sp_name_qualifier="https://sp.example.com/metadata", text="person-1")
    for name, binding, how in [("redirect", BINDING_HTTP_REDIRECT, "Redirect"), ("post", post, "POST")]:
        sp = client(world, "sp", True)
        for kind, sessions in [("", ["_session-1"]), ("-all-sessions", None)]:
            request_id, request = sp.create_logout_request(
                world.destination, world.idp, name_id=subject, session_indexes=sessions,
                sign=binding == post, sign_alg=SIGNATURE + "sha256", digest_alg=DIGEST + "sha256")
            http = sp.apply_binding(binding, str(request), world.destination, "", sign=binding != post, sigalg=SIGNATURE + "sha256")
            add(f"logout-request-{name}{kind}", f"{how}, RSA-SHA256", "A LogoutRequest of its own.", "saml-logout", http, binding)
        asked = LogoutRequest(id="_11112222333344445555666677778888", issuer=Issuer(text=world.idp))
        response = sp.create_logout_response(
            asked, bindings=[binding], sign=binding == post, sign_alg=SIGNATURE + "sha256", digest_alg=DIGEST + "sha256")
        http = sp.apply_binding(binding, str(response), world.destination, "", response=True, sign=binding != post, sigalg=SIGNATURE + "sha256")
        add(f"logout-response-{name}", f"{how}, RSA-SHA256", "A LogoutResponse of its own.", "saml-logout", http, binding)

    for name, sign, why in [("", False, "Metadata of a service provider."), ("-signs", True, "Metadata that announces signed requests.")]:
        found.append({"name": f"pysaml2-metadata{name}", "from": f"{VERSION}, metadata", "why": why, "rule": "saml-metadata",
                      "metadata": str(entity_descriptor(client(world, "captured", sign).config))})
    return found

