"""Reads the body of an HTTP request, with limits on size and time."""

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

LENGTH_DIGITS = 20
BODY_SECONDS = 10
"""Longest time to receive one body."""


class HttpRefused(Exception):
    """A refused request.

    Attributes:
        status: HTTP status of the response.
        reason: label value under which it is counted, from a closed list.
    """

    def __init__(self, status: HTTPStatus, reason: str, message: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(message)


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body.

    Args:
        request: nothing has been read of it yet.
        limit: bytes.

    Raises:
        HttpRefused: it is too large or too slow, or the client disconnected.
    """
    too_large = HttpRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"more than {limit} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > LENGTH_DIGITS or int(length) > limit):
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError as err:
        raise HttpRefused(HTTPStatus.REQUEST_TIMEOUT, "too_slow", f"body not complete within {BODY_SECONDS} s") from err
    except ClientDisconnect as err:
        raise HttpRefused(HTTPStatus.BAD_REQUEST, "gone", "the client disconnected") from err
    return bytes(body)
