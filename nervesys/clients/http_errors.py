"""Why an HTTP request failed, in words."""

import http.client
import ssl
from xml.parsers.expat import ExpatError

import requests
import urllib3.exceptions


class ResponseTooLarge(requests.RequestException):
    """A response is larger than its caller accepts."""


CAUSES: tuple[tuple[type[Exception], str], ...] = (
    (ResponseTooLarge, "the response is too large"),
    (requests.exceptions.SSLError, "the TLS certificate is not trusted"),
    (urllib3.exceptions.SSLError, "the TLS certificate is not trusted"),
    (ssl.SSLError, "the TLS certificate is not trusted"),
    (requests.exceptions.ProxyError, "cannot connect to the proxy"),
    (requests.Timeout, "timed out"),
    (urllib3.exceptions.NewConnectionError, "cannot connect"),
    (urllib3.exceptions.TimeoutError, "timed out"),
    (TimeoutError, "timed out"),
    (requests.exceptions.ChunkedEncodingError, "the response was cut short"),
    (urllib3.exceptions.ProtocolError, "the connection was closed"),
    (http.client.IncompleteRead, "the response was cut short"),
    (http.client.RemoteDisconnected, "the connection was closed"),
    (requests.ConnectionError, "cannot connect"),
    (requests.exceptions.JSONDecodeError, "the response is not JSON"),
    (requests.TooManyRedirects, "too many redirects"),
    (requests.exceptions.InvalidURL, "the URL is not valid"),
    (http.client.HTTPException, "the response is not HTTP"),
    (ExpatError, "the response is not XML"),
)
"""The first that fits counts."""


def cause(err: Exception) -> str:
    """The reason why a request failed.

    The exception's own text is left out, because it may quote the URL with its credentials.

    Args:
        err: raised by requests, urllib3 or the standard library, or by parsing the response.
    """
    if isinstance(err, requests.HTTPError) and err.response is not None:
        return f"HTTP {err.response.status_code}"
    words = next((words for kind, words in CAUSES if isinstance(err, kind)), None)
    return words or (isinstance(err, OSError) and err.strerror) or "the request failed"
