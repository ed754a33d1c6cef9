"""A mail server: plain, with STARTTLS, or with TLS from the first byte; it asks for a login and keeps what it takes."""

import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from tests.servers.certificates import HOST, certify

USER, PASSWORD = "nervesys", "a-mail-secret-that-no-log-may-hold"
REFUSED = "nobody@example.org"


@dataclass
class Mailbox:
    """A running server and what it took."""

    port: int
    certificate: Path
    taken: list[EmailMessage] = field(default_factory=list)
    secret: list[bool] = field(default_factory=list)
    """Whether each message came by TLS, after a login."""


@contextmanager
def mail_server(folder: Path, *, implicit: bool = False) -> Iterator[Mailbox]:
    """A server; it takes mail for all but `REFUSED`."""
    certificate, key = folder / "mail.pem", folder / "mail.key"
    certify(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    box = Mailbox(0, certificate)

    class Handler(StreamRequestHandler):
        """One conversation by RFC 5321, as far as the tests use it."""

        timeout = 10

        def handle(self) -> None:
            try:
                if implicit:
                    self.secure()
                self.converse()
            except (OSError, ssl.SSLError):
                pass  # a client that trusts no stranger hangs up

        def secure(self) -> None:
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def converse(self) -> None:
            self.say("220 mail ready")
            logged_in = False
            while line := self.rfile.readline().decode().strip():
                verb, _, rest = line.partition(" ")
                match verb.upper():
                    case "EHLO":
                        self.say("250-mail")
                        self.say("250 AUTH PLAIN" if self.is_secret else "250 STARTTLS")
                    case "STARTTLS":
                        self.say("220 go on")
                        self.secure()
                    case "AUTH":
                        login = b64decode(rest.split()[-1]).decode().split("\0")[1:]
                        logged_in = login == [USER, PASSWORD]
                        self.say("235 come in" if logged_in else "535 5.7.8 wrong")
                    case "RCPT" if REFUSED in rest:
                        self.say("550 no such person")
                    case "DATA":
                        self.say("354 go on")
                        self.take(secret=self.is_secret and logged_in)
                        self.say("250 taken")
                    case "QUIT":
                        self.say("221 bye")
                        break
                    case _:
                        self.say("250 fine")

        def take(self, *, secret: bool) -> None:
            lines = iter(self.rfile.readline, b".\r\n")
            body = b"".join(line.removeprefix(b".") for line in lines)
            box.taken.append(message_from_bytes(body, policy=policy.default))
            box.secret.append(secret)

        @property
        def is_secret(self) -> bool:
            return isinstance(self.connection, ssl.SSLSocket)

    with ThreadingTCPServer((HOST, 0), Handler) as server:
        box.port = server.server_address[1]
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield box
        server.shutdown()
