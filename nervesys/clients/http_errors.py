"""Why an HTTP request failed, in words."""

import requests

CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (requests.exceptions.SSLError, "the TLS certificate is not trusted"),
    (requests.TooManyRedirects, "too many redirects"),
    (requests.Timeout, "timed out"),
    (requests.ConnectionError, "cannot connect"),
    (requests.exceptions.JSONDecodeError, "the response is not JSON"),
)
"""The first that fits counts."""


def cause(err: Exception) -> str:
    """The reason why a request failed.

    The exception's own text is left out, because it may quote the URL with its credentials.

    Args:
        err: raised by requests, or by parsing its response.
    """
    if isinstance(err, requests.HTTPError) and err.response is not None:
        return f"HTTP {err.response.status_code}"
    return next((words for kind, words in CAUSES if isinstance(err, kind)), type(err).__name__)
