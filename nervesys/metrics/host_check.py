"""Refuses requests for host names that are not this program's, so that no web site can read it by DNS rebinding.

A site that rebinds its name to an address of this machine lets a browser read our pages as if they were its own; the
browser still sends the site's name as `Host`.
"""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Self

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

ANY = "*"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - they are compared, not bound


@dataclass(frozen=True)
class AllowedHosts:
    """The host names of a program.

    Attributes:
        names: in lower case, without port; `*` allows every name.
        addresses: whether every IP address is allowed, because the program listens at all of them.
    """

    names: frozenset[str]
    addresses: bool

    @classmethod
    def of(cls, listen: str, names: Iterable[str]) -> Self:
        """Those of a program that listens at a host, and has other names too."""
        everywhere = listen in WILDCARDS
        own = {socket.gethostname(), *names} if everywhere else {listen, *names}
        return cls(frozenset(map(normalize, own)) | LOOPBACK, everywhere)

    def allow(self, header: str) -> bool:
        """Whether a `Host` header is allowed; one without a host, as HTTP/1.0 sends it, comes from no browser."""
        name = normalize(host_of(header))
        return not name or name in self.names or ANY in self.names or (self.addresses and _is_address(name))


def host_of(header: str) -> str:
    """The host of `HOST:PORT`, where the port may be missing, and an IPv6 address stands in brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def normalize(name: str) -> str:
    """A name as it is compared: in lower case, without the dot of a fully qualified name."""
    return name.lower().removesuffix(".")


def is_below(path: str, places: Iterable[str]) -> bool:
    """Whether a path is one of these, or below one that ends in `/`."""
    return any(path == place or (place.endswith("/") and path.startswith(place)) for place in places)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class HostCheck:
    """Middleware that answers 421 to requests for other hosts.

    Args:
        app: the application.
        allowed: the host names.
        open_paths: answered under every name: health, and what asks for a token that no browser sends by itself.
    """

    def __init__(self, app: ASGIApp, allowed: AllowedHosts, open_paths: frozenset[str]) -> None:
        self._app, self._allowed, self._open = app, allowed, open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request."""
        if scope["type"] == "http" and not is_below(scope["path"], self._open):
            header = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            if not self._allowed.allow(header):
                message = "this program does not serve this host name; list it in config/monitoring.yaml: web.hosts\n"
                headers = {"x-content-type-options": "nosniff"}
                refusal = PlainTextResponse(message, HTTPStatus.MISDIRECTED_REQUEST, headers)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
