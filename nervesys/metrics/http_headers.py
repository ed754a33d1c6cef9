"""HTTP headers that every program reads or sets."""

import hmac
import re

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

USER = "basic_auth_user"
"""In the state of a request's scope, where basic auth has let the request in."""
_ZERO = re.compile(r"0(\.0{0,3})?")
"""A weight of zero, which means "not acceptable" (RFC 9110, 12.4.2)."""


def accepts_gzip(header: str) -> bool:
    """Whether `Accept-Encoding` accepts gzip: by name, or by `*` where it is not named."""
    weights: dict[str, bool] = {}
    for item in header.lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        refused = any(name == "q" and _ZERO.fullmatch(value) for name, value in map(_pair, parameters))
        weights[coding] = not refused
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


def _pair(parameter: str) -> tuple[str, str]:
    name, _, value = parameter.partition("=")
    return name.strip(), value.strip()


def bearer_token(request: Request) -> bytes | None:
    """The bearer token of a request, as it was sent; None where there is none."""
    header = request.headers.get("authorization", "").encode("latin-1")  # the bytes, which Starlette decoded so
    kind, _, token = header.partition(b" ")
    return token.strip() if kind.lower() == b"bearer" else None


def utf8_forms(sent: bytes) -> tuple[bytes, ...]:
    """What a client sent, and what that is in UTF-8 where the client sent Latin-1."""
    again = sent.decode("latin-1").encode()
    return (sent,) if again == sent else (sent, again)


def is_secret(sent: bytes, *accepted: str) -> bool:
    """Whether a client sent an accepted secret, in UTF-8 or, as some do, in Latin-1; compares in constant time."""
    return any(hmac.compare_digest(form, secret.encode()) for secret in accepted for form in utf8_forms(sent))


def client_of(scope: Scope) -> str:
    """The address that a request came from, which may be that of a proxy."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def user_of(request: Request) -> str:
    """The user who signed in by basic auth; `anonymous` where nobody has to, whatever the request claims."""
    user = request.scope.get("state", {}).get(USER)
    return f"user {user}" if user else "anonymous"


class NoSniff:
    """Middleware that forbids browsers to guess the type of a response: that of errors, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and set the header of the response."""

        async def with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-content-type-options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, with_header if scope["type"] == "http" else send)
