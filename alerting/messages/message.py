"""What a message is, how sending it can fail, and where the secrets of its channel are."""

from dataclasses import dataclass
from pathlib import Path

import requests
from pydantic import SecretStr

from nervesys.clients.bounded_http import call
from nervesys.clients.http_errors import cause
from nervesys.errors import NervesysError
from nervesys.settings.rotation import KNOWN
from nervesys.settings.secret_file import read_secret_text

SECONDS = 10.0
"""Time limit of one request."""
RESPONSE_BYTES = 1 << 20
FIRST_RETRY = 5.0
TEMPORARY = frozenset({408, 425, 429})
"""Statuses below 500 after which another attempt may succeed."""
OWN_SECRETS = frozenset({*KNOWN, "store_access_key", "store_secret_key", "github_token"})
"""Never a channel's: config/alerts.yaml, which names the files, must not send the installation's own anywhere."""


@dataclass(frozen=True)
class Button:
    """A choice of the reader.

    Attributes:
        label: for people.
        url: where it leads to.
        data: what a chat sends back, where the button is no link; 64 bytes at most.
        style: `primary`, `danger`, or empty.
    """

    label: str
    url: str
    data: str
    style: str = ""


@dataclass(frozen=True)
class Message:
    """A message to people, as plain text: parts of it come from alerts, and must not be read as markup.

    Attributes:
        title: one line.
        text: further lines.
        buttons: choices; empty where there are none.
        url: page about it.
        reference: of the message that this one replaces, in a channel that can edit; may be empty.
    """

    title: str
    text: str
    buttons: tuple[Button, ...] = ()
    url: str = ""
    reference: str = ""


class MessageFailed(NervesysError):
    """A message was not sent; the text holds no secret.

    Attributes:
        permanent: no other attempt will succeed before people mend something.
        wait_seconds: that the channel asks to wait.
    """

    def __init__(self, text: str, *, permanent: bool = False, wait_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.permanent, self.wait_seconds = permanent, wait_seconds


def retry_wait(attempts: int, failure: MessageFailed, longest: float) -> float:
    """Seconds until the next attempt: twice as many after each, or more if the channel asks for it.

    Args:
        attempts: that failed before this one.
        failure: of this one.
        longest: that is waited unless the channel asks for more.
    """
    return max(min(FIRST_RETRY * 2.0 ** min(attempts, 10), longest), failure.wait_seconds)


def is_own_secret(name: str) -> bool:
    """Whether a file is the installation's own, or hidden, as the secrets are that a rotation has replaced.

    Folders hold those of agents and of programs, such as `artifacts/grok` and `supervisor/password`.
    """
    return name in OWN_SECRETS or name.startswith(".") or "/" in name


def read_channel_secret(folder: Path, name: str) -> SecretStr:
    """The secret of a channel.

    Args:
        folder: of secrets.
        name: as config/alerts.yaml has it; a file of the folder.

    Raises:
        MessageFailed: it cannot be read, or is none of a channel.
    """
    path = folder / name
    if path.parent != folder or is_own_secret(name) or not path.resolve().is_relative_to(folder.resolve()):
        raise MessageFailed(f"{name} is no secret of a channel; name a file of {folder}", permanent=True)
    try:
        text = read_secret_text(path)
    except (OSError, ValueError) as err:
        problem = getattr(err, "strerror", None) or "not text"
        raise MessageFailed(f"read {path}: {problem}", permanent=True) from None
    if not text:
        raise MessageFailed(f"read {path}: the file is empty", permanent=True)
    return SecretStr(text)


def post_json(url: str, content: object, what: str, seconds: float = SECONDS) -> tuple[int, bytes]:
    """Post JSON; returns status and body of the response, whatever the status.

    Args:
        url: may hold a secret; it is in no message.
        content: JSON.
        what: is called, for error messages.
        seconds: time limit.

    Raises:
        MessageFailed: no response came.
    """
    try:
        response = call("POST", url, seconds, RESPONSE_BYTES, json=content, allow_redirects=False)
    except requests.RequestException as err:
        raise MessageFailed(f"{what}: {cause(err)}") from None
    return response.status_code, response.content
