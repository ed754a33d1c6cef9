"""Small objects that programs serve over HTTP: a GET that is bounded in time and size, and conditional."""

import time
from typing import NamedTuple

import requests
from urllib3.exceptions import HTTPError

from nervesys.errors import SourceError
from nervesys.stores.objects import too_large

CHUNK_BYTES = 1 << 14
OK, NOT_MODIFIED = 200, 304


class Page(NamedTuple):
    """One answer.

    Attributes:
        version: the ETag; empty where the server gives none.
        body: the content.
    """

    version: str
    body: bytes


def fetch(url: str, known: str, *, max_bytes: int, timeout_seconds: float) -> Page | None:
    """What a URL serves, or None where it is still the version that is known.

    No redirect is followed, and nothing compressed is asked for: who serves decides neither where we go nor how much
    room an answer takes.

    Args:
        url: http or https.
        known: version of an earlier answer; empty for none.
        max_bytes: of the body.
        timeout_seconds: for the whole answer, however slowly it drips.

    Raises:
        SourceError: no answer in time, or another than 200 and 304.
        BadObject: `too_large`.
    """
    headers = {"Accept-Encoding": "identity", **({"If-None-Match": known} if known else {})}
    deadline = time.monotonic() + timeout_seconds
    try:
        with requests.get(
            url, headers=headers, auth=_as_nobody, timeout=timeout_seconds, allow_redirects=False, stream=True
        ) as answer:
            if answer.status_code == NOT_MODIFIED and known:
                return None
            if answer.status_code != OK:
                raise SourceError(f"get {url}: HTTP {answer.status_code}")
            body = b""
            while chunk := answer.raw.read1(CHUNK_BYTES):
                body += chunk
                if len(body) > max_bytes:
                    raise too_large(url, max_bytes)
                if time.monotonic() > deadline:
                    raise SourceError(f"get {url}: not whole within {timeout_seconds:g} s")
            return Page(answer.headers.get("ETag", ""), body)
    except (requests.RequestException, HTTPError, OSError) as err:
        raise SourceError(f"get {url}: {type(err).__name__}") from err


def _as_nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Adds no credentials; without it, those of ~/.netrc would go along."""
    return request
