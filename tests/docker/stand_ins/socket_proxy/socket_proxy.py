#!/usr/bin/python3.13
"""As much of the socket proxy as the compose file asks for: passes on what `-allowPOST` matches, refuses all else."""

import http.client
import re
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SOCKET = "/var/run/docker.sock"
OPTIONS = dict(word[1:].split("=", 1) for word in sys.argv[1:] if "=" in word)


class Docker(http.client.HTTPConnection):
    """A connection to Docker's socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(SOCKET)


class Handler(BaseHTTPRequestHandler):
    """Passes on what is allowed."""

    def do_POST(self) -> None:
        allowed = {found[4][0] for found in socket.getaddrinfo(OPTIONS["allowfrom"], None)}
        path = self.path.partition("?")[0]
        if self.client_address[0] not in allowed or not re.fullmatch(OPTIONS["allowPOST"], path):
            self.send_error(403)
            return
        docker = Docker("localhost")
        docker.request("POST", self.path, body=self.rfile.read(int(self.headers.get("content-length") or 0)))
        response = docker.getresponse()
        body = response.read()
        self.send_response(response.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_error(405)


ThreadingHTTPServer((OPTIONS["listenip"], 2375), Handler).serve_forever()
