"""HTTP over a unix socket."""

import http.client
import socket

from nervesys.clients.deadline import watch


class UnixConnection(http.client.HTTPConnection):
    """A connection to the program that listens on a socket of this machine.

    Args:
        path: of the socket.
        timeout_seconds: of each step; all of them end at the deadline of the call, if it has one.
    """

    def __init__(self, path: str, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        watch(self.sock)
        self.sock.connect(self._path)
