"""What the receiver's journal says, asked over HTTP."""

from typing import Any

import requests

from nervesys.errors import NervesysError
from nervesys.settings import Web
from nervesys.stack.layout import Stack

TIMEOUT_SECONDS = 5
LIMIT = 1000


class ReceiverUnavailable(NervesysError):
    """The receiver did not answer as it should."""


def actions(stack: Stack, web: Web, **wanted: str) -> list[dict[str, Any]]:
    """Actions of the journal, what changed last first.

    Args:
        stack: whose receiver is asked.
        web: its user and password, where it asks for one.
        wanted: `agent`, `action`, `alert` or `state`.

    Raises:
        ReceiverUnavailable: it does not answer.
    """
    url = f"http://{stack.service('receiver').address}/actions"
    password = web.basic_auth_password.get_secret_value() if web.basic_auth_password else ""
    try:
        answer = requests.get(
            url,
            params={**wanted, "limit": str(LIMIT)},
            auth=(web.basic_auth_user, password) if web.basic_auth_user else None,
            timeout=TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        return list(answer.json()["actions"])
    except (requests.RequestException, ValueError) as err:
        raise ReceiverUnavailable(f"ask {url}: {type(err).__name__}") from err
