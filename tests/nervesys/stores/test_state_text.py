"""Only the text of a state is encrypted; without an identity it is shown as encrypted, never as absent."""

import base64
from collections.abc import Iterator
from unittest import mock

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.contract import AgentState, Status
from nervesys.contract.tasks import CurrentTask, RepeatedAction
from nervesys.errors import NervesysError
from nervesys.stores import state_text
from nervesys.stores.encryption import set_identity
from nervesys.stores.state_text import HIDDEN, decrypt_text, encrypt_text

OURS = pyrage.x25519.Identity.generate()
FOR_US = (str(OURS.to_public()),)
STATE = AgentState(
    agent_id="grok",
    status=Status.RUNNING,
    timestamp=1_000_000.0,
    current_task=CurrentTask(name="summarise Acme's contract", step="page 3", progress=0.5, started_at=999_000.0),
    repeated=RepeatedAction(action="read page", times=3),
    last_error="ValueError: customer 4711",
)


@pytest.fixture(autouse=True)
def _no_identity_is_left() -> Iterator[None]:
    yield
    set_identity(None)


def stored(state: AgentState) -> AgentState:
    return AgentState.parse(state.body())


def test_numbers_stay_readable_and_text_comes_back_with_the_identity() -> None:
    written = encrypt_text(STATE, FOR_US)
    for secret in (b"Acme", b"page", b"4711"):
        assert secret not in written.body()
    read = stored(written)
    assert read.current_task is not None
    assert (read.current_task.progress, read.current_task.started_at) == (0.5, 999_000.0)
    assert read.repeated is not None
    assert read.repeated.times == 3
    assert decrypt_text(read) == read, "no identity"
    assert (read.last_error, read.current_task.name, read.current_task.id) == (HIDDEN, HIDDEN, None)
    set_identity(SecretStr(str(OURS)))
    assert decrypt_text(read) == stored(STATE)


@pytest.mark.parametrize("damage", ["", "%%%", base64.b64encode(b"age-encryption.org/v1\nx").decode(), "bnVsbA=="])
def test_damaged_text_is_shown_as_encrypted(damage: str) -> None:
    set_identity(SecretStr(str(OURS)))
    read = stored(encrypt_text(STATE, FOR_US)).model_copy(update={"encrypted": damage})
    assert decrypt_text(read).last_error == HIDDEN


def test_text_of_others_is_shown_as_encrypted() -> None:
    set_identity(SecretStr(str(pyrage.x25519.Identity.generate())))
    assert decrypt_text(stored(encrypt_text(STATE, FOR_US))).last_error == HIDDEN


def test_without_recipients_or_text_nothing_changes() -> None:
    assert encrypt_text(STATE, ()) is STATE
    silent = AgentState(agent_id="grok", status=Status.IDLE, timestamp=1.0)
    assert encrypt_text(silent, FOR_US) is silent
    assert decrypt_text(STATE) is STATE


def test_a_heartbeat_neither_fails_nor_shows_text_that_cannot_be_encrypted() -> None:
    with mock.patch.object(state_text, "encrypt", side_effect=NervesysError("no pyrage")):
        written = encrypt_text(STATE, FOR_US)
    assert written.last_error == HIDDEN
    assert written.encrypted is None
