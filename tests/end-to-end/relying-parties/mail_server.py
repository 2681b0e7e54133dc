"""A mail server on the loopback interface: aiosmtpd, with STARTTLS and authentication when it has a certificate.

mail_server.py PORT FILE [CERTIFICATE KEY USERNAME PASSWORD]

Each message that it takes is a line of JSON in FILE, before it says so.
"""
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

port, file, *rest = sys.argv[1:]


class Handler:
    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "body": message.get_content(),
            "tls": session.ssl is not None,
            "authenticated": bool(session.authenticated),
        }
        with open(file, "a", encoding="utf-8") as mails:
            mails.write(json.dumps(line) + "\n")
        return "250 taken"


def settings():
    if not rest:
        return {}
    certificate, key, username, password = rest
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def authenticator(server, session, envelope, mechanism, data):
        is_right = (data.login, data.password) == (username.encode(), password.encode())
        return AuthResult(success=is_right, handled=False)

    return {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": authenticator,
    }


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), **settings()), "127.0.0.1", int(port))
    async with server:
        await server.serve_forever()


asyncio.run(main())
