"""Captures what relying-party software sends, and writes it as acceptance vectors: see README.md."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import apache_messages
import pysaml2_messages
import vector

HERE = pathlib.Path(__file__).resolve().parent
RELYING_PARTIES = HERE.parent.parent / "end-to-end/relying-parties"
AREAS = {"saml": "saml", "saml-logout": "saml", "saml-metadata": "saml", "endpoint": "endpoint", "access-token": "token",
         "wsfed": "wsfed", "wsfed-open": "wsfed"}


class World:
    """An identity provider that does not exist, and keys that are thrown away."""

    origin = vector.ORIGIN
    idp = "https://sso.example.com"
    destination = "https://sso.example.com/samlsso"

    def __init__(self, folder):
        self.folder = folder
        self.key_file, self.certificate_file = f"{folder}/key.pem", f"{folder}/certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=captured", "-days", "2",
                        "-keyout", self.key_file, "-out", self.certificate_file], check=True, capture_output=True)
        pem = pathlib.Path(self.certificate_file).read_text()
        self.certificate = "".join(pem.split("-----")[2].split())
        self.idp_metadata_file = self.write("idp.xml", ["HTTP-Redirect", "HTTP-POST"])
        self.idp_metadata_post_file = self.write("idp-post.xml", ["HTTP-POST"])

    def write(self, name, bindings):
        def endpoints(element):
            return "".join(
                f'<{element} Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="{self.destination}"/>' for binding in bindings)

        path = pathlib.Path(self.folder) / name
        path.write_text(
            f"""<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{self.idp}">
<IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{self.certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
{endpoints("SingleLogoutService")}{endpoints("SingleSignOnService")}
</IDPSSODescriptor></EntityDescriptor>""")
        return str(path)


def node(script, world, folder=RELYING_PARTIES):
    """Runs the script with the packages of that folder: those of the end-to-end tests, or its own."""
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True)
    given = json.dumps({"keyFile": world.key_file, "certificateFile": world.certificate_file, "destination": world.destination})
    run = subprocess.run(["node", "--input-type=module"], input=(HERE / script).read_text(), cwd=folder, text=True,
                         env={**os.environ, "CAPTURE": given}, capture_output=True)
    if run.returncode:
        sys.exit(f"{script}: {run.stderr}")
    return json.loads(run.stdout)


def main():
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        found = pysaml2_messages.messages(world)
        found += node("node_saml_messages.js", world)
        found += node("oidc_messages.js", world)
        found += node("passport_wsfed_messages.js", world, HERE / "passport-wsfed")
        found += apache_messages.messages(world)
    for message in found:
        area = AREAS.get(message["rule"], "oidc")
        path = HERE.parent / "accept" / area / f"captured-{message['name']}.json"
        try:
            made = vector.of(message)
        except (AssertionError, AttributeError, KeyError, StopIteration) as error:
            sys.exit(f"{message['name']}: {type(error).__name__} {error}\n{json.dumps(message, indent=2)}")
        text = json.dumps(made, indent=2, ensure_ascii=False)
        assert "PRIVATE KEY" not in text
        # Pairs of name and value on one line.
        text = re.sub(r'\[\n\s+("(?:[^"\\]|\\.)*"),\n\s+("(?:[^"\\]|\\.)*")\n\s+\]', r"[\1, \2]", text)
        path.write_text(text + "\n")
    print(len(found), "messages")


main()
