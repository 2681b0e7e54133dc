"""A message as a vector: what belongs to one moment becomes a placeholder."""

import base64
import html
import json
import re
import time
import urllib.parse
import zlib

ORIGIN = "https://sso.example.com"
# Of one connection, or made by the sender of the tests.
HOP = {"host", "connection", "content-length", "transfer-encoding", "keep-alive"}
SIGNED = re.compile(r"<(?:\w+:)?SignatureValue")


def of(message):
    vector = {"why": message["why"], "from": message["from"], "rule": message["rule"]}
    if "metadata" in message:
        return {**vector, **metadata(message)}
    if "request" in message:
        return {**vector, **http(message)}
    if message.get("url"):
        return {**vector, **redirect(message["url"])}
    return {**vector, **post(dict((name, html.unescape(value)) for name, value in message["fields"]))}


def lines(text):
    """Long text in pieces that an editor shows, broken before tags and attributes."""
    parts = [""]
    for token in re.split(r"(?=<)|(?= \w+(?::\w+)?=\")", text):
        if parts[-1] and len(parts[-1]) + len(token) > 110:
            parts.append("")
        parts[-1] += token
    return parts[0] if len(parts) == 1 else parts


def shortened(value):
    """What is computed again, as zeros: one line is enough to say how long lines are."""
    first, *others = value.strip().split("\n")
    zeros = "A" * len(first) + "\nA" if others else "A"
    before, after = value.split(value.strip(), 1)
    return before + zeros + after


def xml(document):
    root = re.search(r"<(?!\?)[^>]*>", document).group(0)
    identifier = re.search(r' ID=["\']([^"\']*)', root).group(1)
    instant = re.search(r' IssueInstant=["\']([^"\']*)', root).group(1)
    now = "{{now-with-milliseconds}}" if "." in instant else "{{now}}"
    document = document.replace(identifier, "{{id}}").replace(instant, now).replace(ORIGIN, "{{base-url}}")
    document = re.sub(r"(<(?:\w+:)?X509Certificate>)[^<]*", r"\1{{certificate:sp-rsa}}", document)
    document = re.sub(r' NotOnOrAfter="[^"]*"', ' NotOnOrAfter="{{now+300}}"', document)
    if SIGNED.search(document):
        for element in ("SignatureValue", "DigestValue"):
            document = re.sub(rf"(<(?:\w+:)?{element}>)([^<]*)", lambda found: found.group(1) + shortened(found.group(2)), document)
        return [{"text": lines(document)}, {"renew-xml-signature": {"key": "sp-rsa"}}]
    return [{"text": lines(document)}]


def redirect(url):
    query = url.split("?", 1)[1]
    parameters = [part.split("=", 1) for part in query.split("&")]
    kind = parameters[0][0]
    assert kind in ("SAMLRequest", "SAMLResponse"), url
    encoded = parameters[0][1]
    assert re.fullmatch(r"(?:[\w.~-]|%[0-9A-F]{2})*", encoded), "escapes of another form: " + encoded
    document = zlib.decompress(base64.b64decode(urllib.parse.unquote(encoded)), -15).decode()
    build = {"message": [*xml(document), "deflate", "base64", "percent-encode"]}
    names = [name for name, _ in parameters]
    kept = "&".join([f"{kind}={{{{message}}}}"] + [f"{name}={value}" for name, value in parameters[1:] if name not in ("SigAlg", "Signature")])
    if "Signature" in names:
        assert names[-2:] == ["SigAlg", "Signature"], names
        method = urllib.parse.unquote(dict(parameters)["SigAlg"])
        assert urllib.parse.quote(method, safe="") == dict(parameters)["SigAlg"], "escapes of another form"
        build["query"] = [{"text": kept}, {"sign-query-detached": {"key": "sp-rsa", "algorithm": method.split("#")[1]}}]
        kept = "{{query}}"
    return {"build": build, "request": {"method": "GET", "target": "/samlsso?" + kept}, "verdict": "accept"}


def post(fields):
    kind = next(name for name in fields if name.startswith("SAML"))
    text = fields[kind]
    document = base64.b64decode(text).decode()
    steps = [*xml(document), "base64"]
    broken = re.split(r"\r?\n", text.strip())
    if len(broken) > 1:
        steps.append({"lines": {"width": len(broken[0]), "break": "\r\n" if "\r\n" in text else "\n"}})
    others = "".join(f"&{name}={urllib.parse.quote_plus(value)}" for name, value in fields.items() if name != kind)
    return {
        "build": {"message": [*steps, "percent-encode"]},
        # A browser sends the form.
        "request": {"method": "POST", "target": "/samlsso", "headers": [["content-type", "application/x-www-form-urlencoded"]],
                    "body": f"{kind}={{{{message}}}}{others}"},
        "verdict": "accept",
    }


def metadata(message):
    document = re.sub(r"(<(?:\w+:)?X509Certificate>)[^<]*", r"\1{{certificate:sp-rsa}}", message["metadata"])
    return {"build": {"metadata": [{"text": lines(document)}]},
            "request": {"method": "POST", "target": "/", "body": "{{metadata}}"}, "verdict": "accept"}


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def assertion(token, key, issuer):
    header, payload, _ = token.split(".")
    header, payload = decoded(header), decoded(payload)
    payload = payload.replace(issuer, "{{base-url}}")
    now = int(time.time())

    def moment(match):
        return f'{match.group(1)}{{{{unix{int(match.group(2)) - now:+d}}}}}'

    payload = re.sub(r'("(?:iat|nbf|exp)":)(\d+)', moment, payload)
    payload = re.sub(r'"jti":"[^"]*"', '"jti":"{{id}}"', payload)
    algorithm = {"client-ec": "ES256", "client-rsa": "RS256", "client-ed": "EdDSA"}[key]
    return [{"text": payload}, {"sign-jwt": {"key": key, "algorithm": algorithm, "header": header}}]


def access_token(key):
    algorithm = {"idp-ec": "ES256", "idp-rsa": "RS256", "idp-ed": "EdDSA"}[key]
    payload = ('{"iss":"{{base-url}}","aud":"{{base-url}}","grant":"grant-of-the-vectors","sub":"person-1","client_id":"public-client",'
               '"jti":"{{id}}","scope":"openid orders.read","iat":{{unix-10}},"exp":{{unix+290}}}')
    header = json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": key}, separators=(",", ":"))
    return [{"text": payload}, {"sign-jwt": {"key": key, "algorithm": algorithm, "header": header}}]


def http(message):
    given = message["request"]
    issuer = message["issuer"]
    build = {}
    if given["method"] == "POST" and "form" in given:
        body = "&".join(f"{name}={urllib.parse.quote_plus(html.unescape(value))}" for name, value in given["form"])
        given = {"method": "POST", "target": "/oauth2/authorize", "headers": ["content-type", "application/x-www-form-urlencoded"], "body": body}
    flat = given["headers"]
    headers = [[name, value] for name, value in zip(flat[::2], flat[1::2]) if name.lower() not in HOP]
    body = given["body"]
    if "assertion" in message:
        token = re.search(r"client_assertion=([^&]*)", body).group(1)
        build["assertion"] = assertion(token, message["assertion"], issuer)
        body = body.replace(token, "{{assertion}}")
    if "token" in message:
        build["token"] = access_token(message["token"])
        headers = [[name, value.replace("TOKEN", "{{token}}")] for name, value in headers]
    text = given["target"].replace(urllib.parse.quote(issuer, safe=""), "{{base-url}}")
    request = {"method": given["method"], "target": text}
    if headers:
        request["headers"] = headers
    if body:
        request["body"] = body
    found = {"request": request, "verdict": "accept"}
    return {"build": build, **found} if build else found
