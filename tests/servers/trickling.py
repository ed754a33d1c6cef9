"""A server that never ends its response."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STEP = 0.02
HEAD = b"HTTP/1.1 200 OK\r\n"
PHASES = {
    "headers": HEAD + b"X-Long: ",
    "body": HEAD + b"Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n",
    "body without a length": HEAD + b"Connection: close\r\n\r\n",
}
"""What is sent before the bytes that trickle."""


@contextmanager
def trickling(
    first: bytes, trickle: bytes = b"", tls: ssl.SSLContext | None = None, *, greets: bool = False
) -> Iterator[str]:
    """A server that sends something to each request, or before it, and then one byte after the other for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def respond(plain: socket.socket) -> None:
        try:
            with tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
                while (greets or connection.recv(1 << 16)) and not over.is_set():
                    connection.sendall(first)
                    while trickle and not over.wait(STEP):
                        connection.sendall(trickle)
        except OSError:
            return

    def accept() -> None:
        while not over.is_set():
            try:
                threading.Thread(target=respond, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()
