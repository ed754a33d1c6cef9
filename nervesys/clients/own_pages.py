"""GET requests to our own programs, with their certificate and basic auth."""

from collections.abc import Mapping

import requests

from nervesys.clients.bounded_http import call
from nervesys.clients.http_errors import cause
from nervesys.errors import NervesysError
from nervesys.settings import Web

TIMEOUT_SECONDS = 5


class PageUnavailable(NervesysError):
    """A program of ours did not respond."""


def get_page(url: str, web: Web, params: Mapping[str, str] | None = None) -> requests.Response:
    """The response of a program of ours, whatever its status.

    Args:
        url: of the page.
        web: the program's certificate, and the user and password of its basic auth.
        params: of the query.

    Raises:
        PageUnavailable: there is none.
    """
    password = web.basic_auth_password.get_secret_value() if web.basic_auth_password else ""
    try:
        return call(
            "GET",
            url,
            TIMEOUT_SECONDS,
            params=params,
            auth=(web.basic_auth_user, password) if web.basic_auth_user else None,
            verify=web.tls_cert_file or True,
        )
    except requests.RequestException as err:
        raise PageUnavailable(f"get {url}: {cause(err)}") from err
