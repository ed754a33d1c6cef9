"""The client of the receiver's HTTP API: reads its journal, orders restarts, and posts alerts in Grafana's format."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests

from nervesys.clients.bounded_http import call
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
    found = _read(f"{web.url_of(address)}/actions", web, {**wanted, "limit": str(LIMIT)})
    return [action for action in found["actions"] if bool(action["test"]) is tests]


def episode(address: str, web: Web, number: int) -> dict[str, Any]:
    """One episode with its history, its driver calls and the alerts that it is about.

    Args:
        address: `HOST:PORT` of the receiver.
        web: its certificate, and the user and password of its basic auth.
        number: id of the episode.

    Raises:
        ReceiverUnavailable: it does not respond, or has no such episode.
    """
    return _read(f"{web.url_of(address)}/actions/{number}", web, {})


def restart(address: str, web: Web, token: str, agent: str) -> None:
    """Order a restart, as an operator does on the receiver's page.

    Args:
        address: `HOST:PORT` of the receiver.
        web: its certificate.
        token: bearer token of the receiver.
        agent: its name in the brain.

    Raises:
        ReceiverUnavailable: it was not accepted.
    """
    _post(f"{web.url_of(address)}/api/v1/restart", web, token, params={"agent": agent})


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
    _post(f"{web.url_of(address)}/api/v1/grafana", web, token, json=dict(body))


def _read(url: str, web: Web, params: Mapping[str, str]) -> dict[str, Any]:
    try:
        answer = get_page(url, web, params)
        answer.raise_for_status()
        return dict(answer.json())
    except PageUnavailable as err:
        raise ReceiverUnavailable(f"read the receiver's journal: {err}") from err
    except (requests.RequestException, ValueError) as err:
        raise ReceiverUnavailable(f"read the receiver's journal at {url}: {cause(err)}") from err


def _post(url: str, web: Web, token: str, **request: Any) -> None:
    bearer = {"authorization": f"Bearer {token}".encode()}
    try:
        answer = call("POST", url, TIMEOUT_SECONDS, headers=bearer, verify=web.tls_cert_file or True, **request)
    except requests.RequestException as err:
        raise ReceiverUnavailable(f"post to {url}: {cause(err)}") from err
    if answer.status_code != HTTPStatus.OK:
        raise ReceiverUnavailable(f"post to {url}: HTTP {answer.status_code}: {answer.text.strip()}")
