"""What mod_auth_mellon and mod_auth_openidc send, from a private Apache on loopback."""

import os
import pathlib
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

MODULES = "/usr/lib/apache2/modules"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def version(package):
    line = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=True)
    return line.stdout.split("-")[0]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Apache:
    def __init__(self, world, name, module, configuration):
        self.port = free_port()
        folder = pathlib.Path(world.folder) / name
        (folder / "documents/protected").mkdir(parents=True)
        (folder / "documents/protected/index.html").write_text("protected\n")
        user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
        text = f"""ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{self.port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
LoadModule mpm_event_module {MODULES}/mod_mpm_event.so
LoadModule authn_core_module {MODULES}/mod_authn_core.so
LoadModule authz_core_module {MODULES}/mod_authz_core.so
LoadModule authz_user_module {MODULES}/mod_authz_user.so
LoadModule dir_module {MODULES}/mod_dir.so
LoadModule {module}_module {MODULES}/mod_{module}.so
{user}
DocumentRoot {folder}/documents
<Location /protected>
  Require valid-user
</Location>
{configuration.replace("PORT", str(self.port))}
"""
        (folder / "apache.conf").write_text(text)
        for path in [pathlib.Path(world.folder), *pathlib.Path(world.folder).rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.log = folder / "error.log"
        self.process = subprocess.Popen(["apache2", "-X", "-f", str(folder / "apache.conf")], stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(self.log.read_text() if self.log.exists() else "apache2 does not start")

    def get(self, path, host=None):
        opener = urllib.request.build_opener(NoRedirect)
        # As a browser asks, at the name that the application is registered with.
        headers = {"accept": "text/html", **({"host": host, "x-forwarded-proto": "https"} if host else {})}
        try:
            answer = opener.open(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers))
        except urllib.error.HTTPError as error:
            answer = error
        return answer.headers.get("location"), answer.read().decode()

    def follow(self, path):
        """Follows redirects to the application itself."""
        location, page = self.get(path)
        own = f"http://127.0.0.1:{self.port}"
        while location and location.startswith(own):
            location, page = self.get(location[len(own):])
        return location, page

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def mellon(world, found):
    software = "mod_auth_mellon " + version("libapache2-mod-auth-mellon")

    def run(name, how, why, party, more="", binding="Redirect", path="/protected/"):
        sp = f"https://{party}.example.com"
        folder = pathlib.Path(world.folder)
        (folder / f"mellon-{name}-sp.xml").write_text(
            f"""<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{sp}/metadata">
<SPSSODescriptor AuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{world.certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
<AssertionConsumerService index="0" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{sp}/acs"/>
</SPSSODescriptor></EntityDescriptor>""")
        idp = world.idp_metadata_post_file if binding == "POST" else world.idp_metadata_file
        configuration = f"""<Location />
  MellonEnable info
  MellonEndpointPath /mellon
  MellonSPMetadataFile {folder}/mellon-{name}-sp.xml
  MellonSPPrivateKeyFile {world.key_file}
  MellonSPCertFile {world.certificate_file}
  MellonIdPMetadataFile {idp}
  MellonSecureCookie Off
  {more}
</Location>
<Location /protected>
  AuthType Mellon
  MellonEnable auth
</Location>"""
        with Apache(world, f"mellon-{name}", "auth_mellon", configuration) as apache:
            location, page = apache.follow(path)
            message = {"url": location} if location else {"fields": re.findall(r'name="(\w+)"\s+value="([^"]*)"', page)}
            message.setdefault("fields", []) if not location else None
            found.append({"name": f"mod-auth-mellon-{name}", "from": f"{software}, {how}", "why": why, "rule": "saml", **message})

    sha256 = "MellonSignatureMethod rsa-sha256"
    run("redirect", "Redirect, RSA-SHA256", "What it sends when somebody opens a protected page.", "sp", sha256)
    run("redirect-sha512", "Redirect, RSA-SHA512", "The same with SHA-512.", "sp", "MellonSignatureMethod rsa-sha512")
    run("redirect-passive", "Redirect, RSA-SHA256", "IsPassive is set.", "sp", sha256, path="/mellon/login?ReturnTo=http%3A%2F%2F127.0.0.1:PORT%2F&IsPassive=true".replace("PORT", "80"))
    run("redirect-authn-context", "Redirect, RSA-SHA256", "A class of authentication context is asked for.", "sp",
        sha256 + "\n  MellonAuthnContextClassRef urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")
    run("post", "POST, RSA-SHA256", "A form, where the identity provider has the POST binding only.", "sp", sha256, "POST")


def openidc(world, found):
    software = "mod_auth_openidc " + version("libapache2-mod-auth-openidc")

    def run(name, how, why, more="", client="confidential-client", secret="a secret for vectors only", redirect="https://confidential.example.com/callback"):
        configuration = f"""OIDCProviderIssuer {world.origin}
OIDCProviderAuthorizationEndpoint {world.origin}/oauth2/authorize
OIDCProviderTokenEndpoint {world.origin}/oauth2/token
OIDCProviderJwksUri {world.origin}/oauth2/jwks
OIDCClientID {client}
OIDCClientSecret "{secret}"
OIDCRedirectURI {redirect}
OIDCCryptoPassphrase "only for one run"
OIDCXForwardedHeaders X-Forwarded-Proto
{more}
<Location /protected>
  AuthType openid-connect
</Location>"""
        with Apache(world, f"openidc-{name}", "auth_openidc", configuration) as apache:
            location, page = apache.get("/protected/", redirect.split("/")[2])
            if location is None:
                if "<form" not in page:
                    raise SystemExit(f"mod_auth_openidc, {name}: {page}\n{apache.log.read_text()}")
                form = re.findall(r'name="([^"]*)"\s+value="([^"]*)"', page)
                request = {"method": "POST", "form": form}
            else:
                target = re.sub(r"^https://[^/]*", "", location)
                request = {"method": "GET", "target": target, "headers": [], "body": ""}
            found.append({"name": f"mod-auth-openidc-{name}", "from": f"{software}, {how}", "why": why,
                          "rule": "authorization-request", "issuer": world.origin, "request": request})

    run("authorize", "code", "What it sends when somebody opens a protected page.", 'OIDCScope "openid"')
    run("authorize-pkce", "code, PKCE", "PKCE is switched on.", 'OIDCScope "openid email"\nOIDCPKCEMethod S256')
    run("authorize-parameters", "code, PKCE", "With parameters of the operator's.", 'OIDCScope "openid"\nOIDCPKCEMethod S256\nOIDCAuthRequestParams prompt=login&ui_locales=de')
    run("authorize-form-post", "code, PKCE, form_post", "The answer in a form.", 'OIDCScope "openid"\nOIDCPKCEMethod S256\nOIDCResponseMode form_post')
    run("authorize-post-client", "code", "Another client asks.", 'OIDCScope "openid"', "post-client", "another secret for vectors only", "https://post.example.com/callback")


def messages(world):
    found = []
    mellon(world, found)
    openidc(world, found)
    return found
