"""urllib3's connections with the deadline of the call; needs no requests, which agents do not have."""

import socket
from typing import Any

from urllib3.connectionpool import HTTPConnectionPool

from nervesys.clients.deadline import has_passed, watch

CHUNK_BYTES = 1 << 16
"""In which bodies are read."""


class _Watched:
    """What is added to a connection class of urllib3, to have its connections ended at the deadline."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]  # of the class that this is added to
        watch(made)
        if has_passed():  # a socket that is shut down before its TLS handshake would be left open
            made.close()
            raise TimeoutError("the deadline has passed")
        return made

    def request(self, *args: Any, **options: Any) -> None:
        watch(self.sock)  # one that an earlier call has opened
        super().request(*args, **options)  # type: ignore[misc]


def watched_pools(plain: type[HTTPConnectionPool], tls: type[HTTPConnectionPool]) -> dict[str, Any]:
    """A `pool_classes_by_scheme` of urllib3, whose connections end at the deadline of the call.

    Args:
        plain: the pools that are made for http.
        tls: likewise for https.
    """

    def watched(pool: type[HTTPConnectionPool]) -> type:
        connection = type(f"Watched{pool.ConnectionCls.__name__}", (_Watched, pool.ConnectionCls), {})
        return type(f"Watched{pool.__name__}", (pool,), {"ConnectionCls": connection})

    return {"http": watched(plain), "https": watched(tls)}
