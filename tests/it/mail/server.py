"""A real mail server for the tests (aiosmtpd): takes mail on a port of this machine, reads it with Python's own
library, and writes each one as a line of JSON. Never sends anything on.

    server.py PORT FOLDER [--cert FILE --key FILE] [--login USER PASSWORD] [--greylist N]
"""

import argparse
import asyncio
import email
import email.policy
import json
import pathlib
import ssl

from aiosmtpd.smtp import SMTP, AuthResult


class House:
    """Takes what comes, after it was refused `greylist` times."""

    def __init__(self, folder, greylist):
        self.mails = folder / "mails.jsonl"
        self.greylist = greylist
        self.count = 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        answer = f"250 2.0.0 Ok: queued as {self.count:04X}"
        if self.count <= self.greylist:
            answer = f"451 4.7.1 <{envelope.rcpt_tos[0]}>: greylisted, come back"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        bodies = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None,
            "login": session.authenticated,
            "headers": [[name, str(value)] for name, value in mail.items()],
            "defects": [str(defect) for part in mail.walk() for defect in part.defects],
            "bodies": bodies,
            "answer": answer,
        }
        with self.mails.open("a") as out:
            out.write(json.dumps(line) + "\n")
        return answer


async def main():
    flags = argparse.ArgumentParser()
    flags.add_argument("port", type=int)
    flags.add_argument("folder", type=pathlib.Path)
    flags.add_argument("--cert")
    flags.add_argument("--key")
    flags.add_argument("--login", nargs=2)
    flags.add_argument("--greylist", type=int, default=0)
    told = flags.parse_args()
    tls = None
    if told.cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(told.cert, told.key)

    def authenticate(server, session, envelope, mechanism, data):
        good = told.login and [data.login.decode(), data.password.decode()] == told.login
        return AuthResult(success=bool(good), handled=False)

    house = House(told.folder, told.greylist)

    def conversation():
        return SMTP(
            house,
            hostname="mail.test",
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=told.login is not None,
            auth_require_tls=tls is not None,
            authenticator=authenticate,
        )

    server = await asyncio.get_running_loop().create_server(conversation, "127.0.0.1", told.port)
    await server.serve_forever()


asyncio.run(main())
