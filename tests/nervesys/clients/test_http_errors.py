"""Why a request failed, in words that hold nothing of the URL."""

import pytest
import requests

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
        (requests.TooManyRedirects("http://ada:secret@host"), "TooManyRedirects"),
    ],
)
def test_each_failure_has_its_words(err: Exception, words: str) -> None:
    assert cause(err) == words
