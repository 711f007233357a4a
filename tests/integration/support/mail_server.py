#!/usr/bin/python3
"""mail_server.py DIRECTORY MODE [PORT]: an SMTP server on this or a free port of 127.0.0.1, until it is killed. MODE: starttls, tls or plain.

Makes DIRECTORY/cert.pem for localhost, asks for the log-in plant / "pass word" (but in plain), writes each mail to a file *.mail there.
"""
import email
import email.policy
import pathlib
import socket
import ssl
import subprocess
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

directory, mode = pathlib.Path(sys.argv[1]), sys.argv[2]


class Keep:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = (f"envelope: {envelope.mail_from} -> {', '.join(envelope.rcpt_tos)} "
                f"(log-in {session.auth_data.login.decode() if session.auth_data else ''}, tls {server.transport.get_extra_info('ssl_object') is not None})\n"
                f"subject: {parsed['subject']}\nnotification: {parsed['x-factory-notification']}\n"
                f"message-id: {parsed['message-id']}\n\n{parsed.get_content()}")
        Keep.count += 1
        partial = directory / f"{Keep.count}.partial"
        partial.write_text(text)
        partial.rename(directory / f"{Keep.count}.mail")
        return "250 kept"


def log_in(server, session, envelope, mechanism, data):
    return AuthResult(success=isinstance(data, LoginPassword) and (data.login, data.password) == (b"plant", b"pass word"), auth_data=data)


context = None
if mode != "plain" and not (directory / "cert.pem").exists():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
                   check=True, capture_output=True)
if mode != "plain":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
with socket.socket() as free:
    free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    free.bind(("127.0.0.1", int(sys.argv[3]) if len(sys.argv) > 3 else 0))
    port = free.getsockname()[1]
how = {} if mode == "plain" else {"authenticator": log_in, "auth_required": True}
if mode == "starttls":
    how |= {"tls_context": context, "require_starttls": True}
if mode == "tls":
    how |= {"ssl_context": context, "auth_require_tls": False}
controller = Controller(Keep(), hostname="127.0.0.1", port=port, **how)
controller.start()
print(f"listening {port}", flush=True)
while True:
    time.sleep(60)
