"""The client of the receiver's HTTP API: reads its journal, and posts alerts in Grafana's format."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests

from nervesys.clients.http_errors import cause
from nervesys.clients.own_pages import PageUnavailable, get_page
from nervesys.errors import NervesysError
from nervesys.settings import Web

TIMEOUT_SECONDS = 5
LIMIT = 1000


class ReceiverUnavailable(NervesysError):
    """The receiver did not respond, or rejected the request."""


def actions(address: str, web: Web, *, tests: bool = False, **wanted: str) -> list[dict[str, Any]]:
    """Actions in the journal, most recently changed first.

    Args:
        address: `HOST:PORT` of the receiver.
        web: its certificate, and the user and password of its basic auth.
        tests: return the actions of test alerts instead of those of real ones.
        wanted: filters: `agent`, `action`, `alert` or `state`.

    Raises:
        ReceiverUnavailable: it does not respond.
    """
    url = f"{web.url_of(address)}/actions"
    try:
        answer = get_page(url, web, {**wanted, "limit": str(LIMIT)})
        answer.raise_for_status()
        return [action for action in answer.json()["actions"] if bool(action["test"]) is tests]
    except PageUnavailable as err:
        raise ReceiverUnavailable(f"read the receiver's journal: {err}") from err
    except (requests.RequestException, ValueError) as err:
        raise ReceiverUnavailable(f"read the receiver's journal at {url}: {cause(err)}") from err


def post_as_grafana(address: str, web: Web, token: str, body: Mapping[str, Any]) -> None:
    """Post a webhook as Grafana would.

    Args:
        address: `HOST:PORT` of the receiver.
        web: its certificate.
        token: bearer token of the receiver.
        body: in Grafana's format.

    Raises:
        ReceiverUnavailable: it was not accepted.
    """
    url, bearer = f"{web.url_of(address)}/api/v1/grafana", {"authorization": f"Bearer {token}".encode()}
    try:
        answer = requests.post(
            url, json=dict(body), headers=bearer, verify=web.tls_cert_file or True, timeout=TIMEOUT_SECONDS
        )
    except requests.RequestException as err:
        raise ReceiverUnavailable(f"post to {url}: {cause(err)}") from err
    if answer.status_code != HTTPStatus.OK:
        raise ReceiverUnavailable(f"post to {url}: HTTP {answer.status_code}: {answer.text.strip()}")
