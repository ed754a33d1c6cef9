"""URLs that programs call: checked when the settings are loaded, before any client library meets them."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _http(said: str) -> str:
    try:
        parts = urlsplit(said)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be a URL such as https://example.org")
    return said


def _without_user(said: str) -> str:
    if urlsplit(said).username is not None:
        raise ValueError("must not hold a user or password")
    return said


HttpUrl = Annotated[str, AfterValidator(_http)]
PlainUrl = Annotated[HttpUrl, AfterValidator(_without_user)]
"""A URL that is called without credentials."""
