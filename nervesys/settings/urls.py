"""URLs that programs call: checked when the settings are loaded, before any client library meets them."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def _http(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be a URL such as https://example.org")
    return url


def _without_user(url: str) -> str:
    if urlsplit(url).username is not None:
        raise ValueError("must not hold a user or password")
    return url


def has_credentials(url: str) -> bool:
    """Whether a URL holds a token or a password; a user alone is none in URLs of ssh."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "@" in url
    if parts.scheme in {"http", "https"}:
        return "@" in parts.netloc
    return ":" in parts.netloc.rpartition("@")[0]


HttpUrl = Annotated[str, AfterValidator(_http)]
PlainUrl = Annotated[HttpUrl, AfterValidator(_without_user)]
"""A URL that is called without credentials."""
