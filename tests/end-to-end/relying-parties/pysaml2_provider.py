"""A SAML identity provider with a page for people, over TLS: pysaml2_idp.py answers their requests.

Its argument is JSON: `port`, `key` and `certificate` of TLS, `idp` (what pysaml2_idp.py is given), and
`spMetadataFile`, which may be written later.
"""

import base64
import html
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import urllib.parse

given = json.loads(sys.argv[1])
script = pathlib.Path(__file__).with_name("pysaml2_idp.py")
PAGE = '<!doctype html><html lang="en"><title>Outside provider</title><main>{}</main></html>'


def field(name, value):
    return f'<input type="hidden" name="{name}" value="{html.escape(value, quote=True)}">'


def answer(query, name):
    """What pysaml2 says to the request in the query, for this person or, without one, for nobody."""
    question = given["idp"] | {
        "command": "response",
        "query": query,
        "spMetadata": pathlib.Path(given["spMetadataFile"]).read_text(),
        "subject": f"id-of-{name}",
        "attributes": {"mail": [f"{name}@saml.test"], "uid": [name]},
    }
    if not name:
        question["refuse"] = True
    run = subprocess.run([sys.executable, script], input=json.dumps(question), capture_output=True, text=True)
    return json.loads(run.stdout)


class Provider(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.urlsplit(self.path).query
        self.page(
            f'<h1>Who are you?</h1><form method="post" action="/sso">{field("query", query)}'
            '<label>Name <input name="name"></label><button name="what" value="sign-in">Sign in there</button>'
            '<button name="what" value="refuse">Refuse</button></form>'
        )

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = dict(urllib.parse.parse_qsl(body))
        query = dict(urllib.parse.parse_qsl(form["query"]))
        made = answer(query, form.get("name", "") if form["what"] == "sign-in" else "")
        if "refused" in made:
            self.page(f"<h1>Refused</h1><p>{html.escape(made['refused'])}</p>")
            return
        response = base64.b64encode(made["samlResponse"].encode()).decode()
        self.page(
            f'<form method="post" action="{html.escape(given["idp"]["spEntityId"])}">'
            f'{field("SAMLResponse", response)}{field("RelayState", query["RelayState"])}</form>'
            "<script>document.forms[0].submit()</script>"
        )

    def page(self, body):
        text = PAGE.format(body).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


server = http.server.ThreadingHTTPServer(("127.0.0.1", given["port"]), Provider)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(given["certificate"], given["key"])
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
