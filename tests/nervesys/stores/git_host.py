"""A Git host over https that asks for a login: Python's server in front of git's own `git http-backend`."""

import os
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.servers.certificates import HOST, certify


class Backend(BaseHTTPRequestHandler):
    """Hands each request with the right login to git."""

    protocol_version = "HTTP/1.1"
    root: Path
    login: str

    def do_POST(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.headers["Authorization"] != f"Basic {b64encode(self.login.encode()).decode()}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="brain"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "agent",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = subprocess.run(
            ["git", "http-backend"], input=body, env=os.environ | variables, capture_output=True, timeout=30, check=True
        ).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        headers["Content-Length"] = str(len(content))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(root: Path, login: str) -> Iterator[tuple[str, Path]]:
    """The address of a host of the repositories in a folder, and the certificate to trust."""
    certificate, key = root / "host.pem", root / "host.key"
    certify(certificate, key)
    handler = type("Handler", (Backend,), {"root": root, "login": login})
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://{HOST}:{server.server_port}", certificate
        server.shutdown()
