"""GETs a small object over HTTP, with limits on time and size, and only if it has changed (ETag)."""

from typing import NamedTuple

import requests

from nervesys.clients.bounded_http import call, without_credentials
from nervesys.clients.http_errors import ResponseTooLarge, cause
from nervesys.errors import SourceError
from nervesys.stores.objects import too_large

OK, NOT_MODIFIED = 200, 304


class FetchedObject(NamedTuple):
    """One response.

    Attributes:
        version: the ETag; empty where the server gives none.
        body: the content.
    """

    version: str
    body: bytes


def fetch(url: str, known: str, *, max_bytes: int, timeout_seconds: float) -> FetchedObject | None:
    """The content of a URL, or None if it is still the known version.

    Redirects are not followed and compression is not accepted, so that the server can neither redirect the request nor
    send a compression bomb.

    Args:
        url: http or https.
        known: version of an earlier response; empty for none.
        max_bytes: of the body.
        timeout_seconds: for the whole response, even if it arrives slowly.

    Raises:
        SourceError: no response in time, or a status other than 200 and 304.
        BadObject: `too_large`.
    """
    headers = {"Accept-Encoding": "identity", **({"If-None-Match": known} if known else {})}
    try:
        answer = call(
            "GET",
            url,
            timeout_seconds,
            max_bytes,
            headers=headers,
            auth=without_credentials,
            allow_redirects=False,
        )
    except ResponseTooLarge:
        raise too_large(url, max_bytes) from None
    except (requests.RequestException, OSError) as err:
        raise SourceError(f"get {url}: {cause(err)}") from err
    if answer.status_code == NOT_MODIFIED and known:
        return None
    if answer.status_code != OK:
        raise SourceError(f"get {url}: HTTP {answer.status_code}")
    return FetchedObject(answer.headers.get("ETag", ""), answer.content)
