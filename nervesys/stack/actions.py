"""What the receiver's journal says, asked over HTTP; and alerts, told to it as Grafana tells them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests

from nervesys.errors import NervesysError
from nervesys.settings import Web

TIMEOUT_SECONDS = 5
LIMIT = 1000


class ReceiverUnavailable(NervesysError):
    """The receiver did not answer as it should."""


def actions(address: str, web: Web, *, tests: bool = False, **wanted: str) -> list[dict[str, Any]]:
    """Actions of the journal, what changed last first.

    Args:
        address: `HOST:PORT` of the receiver.
        web: its certificate, user and password, where it asks for one.
        tests: those that tests of the chain led to, which are left out otherwise.
        wanted: `agent`, `action`, `alert` or `state`.

    Raises:
        ReceiverUnavailable: it does not answer.
    """
    url = f"{web.url_of(address)}/actions"
    password = web.basic_auth_password.get_secret_value() if web.basic_auth_password else ""
    try:
        answer = requests.get(
            url,
            params={**wanted, "limit": str(LIMIT)},
            auth=(web.basic_auth_user, password) if web.basic_auth_user else None,
            verify=web.tls_cert_file or True,
            timeout=TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        return [action for action in answer.json()["actions"] if bool(action["test"]) is tests]
    except (requests.RequestException, ValueError) as err:
        raise ReceiverUnavailable(f"ask {url}: {type(err).__name__}") from err


def tell(address: str, web: Web, token: str, body: Mapping[str, Any]) -> None:
    """Post what Grafana would.

    Args:
        address: `HOST:PORT` of the receiver.
        web: its certificate.
        token: the receiver's.
        body: Grafana's.

    Raises:
        ReceiverUnavailable: it does not take it.
    """
    url, bearer = f"{web.url_of(address)}/api/v1/grafana", {"authorization": f"Bearer {token}"}
    try:
        answer = requests.post(
            url, json=dict(body), headers=bearer, verify=web.tls_cert_file or True, timeout=TIMEOUT_SECONDS
        )
    except requests.RequestException as err:
        raise ReceiverUnavailable(f"tell {url}: {type(err).__name__}") from err
    if answer.status_code != HTTPStatus.OK:
        raise ReceiverUnavailable(f"tell {url}: status {answer.status_code}: {answer.text.strip()}")
