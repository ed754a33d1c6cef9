"""Reads the body of a request, no further than its limit and no longer than it may take."""

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

BODY_SECONDS = 30
"""A sender that takes longer for one body is let go."""


class Refused(Exception):
    """A request that nothing is taken from.

    Attributes:
        status: of the answer.
        reason: the closed reason it is counted under.
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
        Refused: it is too large or too slow, or its sender went away.
    """
    too_large = Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"more than {limit} bytes")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError as err:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "too_slow", f"no whole body in {BODY_SECONDS} s") from err
    except ClientDisconnect as err:
        raise Refused(HTTPStatus.BAD_REQUEST, "gone", "the sender went away") from err
    return bytes(body)
