"""Why a request failed, in words that hold nothing of the URL."""

import http.client
import ssl

import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from nervesys.clients.http_errors import cause


def refused() -> requests.Response:
    response = requests.Response()
    response.status_code = 503
    return response


@pytest.mark.parametrize(
    ("err", "words"),
    [
        (requests.ConnectionError("http://ada:secret@host"), "cannot connect"),
        (requests.ConnectTimeout("http://ada:secret@host"), "timed out"),
        (requests.ReadTimeout(), "timed out"),
        (requests.exceptions.SSLError(), "the TLS certificate is not trusted"),
        (requests.exceptions.JSONDecodeError("", "", 0), "the response is not JSON"),
        (requests.HTTPError(response=refused()), "HTTP 503"),
        (requests.TooManyRedirects("http://ada:secret@host"), "too many redirects"),
        (requests.exceptions.ProxyError("http://ada:secret@host"), "cannot connect to the proxy"),
        (requests.exceptions.ChunkedEncodingError("secret"), "the response was cut short"),
        (requests.RequestException("http://ada:secret@host"), "the request failed"),
        (http.client.RemoteDisconnected("secret"), "the connection was closed"),
        (http.client.BadStatusLine("secret"), "the response is not HTTP"),
        (TimeoutError(), "timed out"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (ssl.SSLCertVerificationError(1, "secret"), "the TLS certificate is not trusted"),
        (NewConnectionError(HTTPConnection("host"), "secret"), "cannot connect"),
        (ConnectTimeoutError("secret"), "timed out"),
    ],
)
def test_each_failure_has_its_words(err: Exception, words: str) -> None:
    assert cause(err) == words
