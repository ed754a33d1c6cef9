"""The free text of an agent's state: its last error, its task's name, id and step, and the action that it repeats.

Exporters and the receiver need the numbers of a state, and have no identity. So only the text is encrypted: all of
it in one body, in base64; the fields themselves hold `[encrypted]`, which is not the same as absent.
"""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

from nervesys.contract import AgentState
from nervesys.errors import BadObject, NervesysError
from nervesys.stores.encryption import decrypt_body, encrypt

HIDDEN = "[encrypted]"
FIELDS = {"current_task": ("id", "name", "step"), "repeated": ("action",), "": ("last_error",)}
"""Fields with free text by the part of the state; empty for the state itself."""

log = logging.getLogger(__name__)


def encrypt_text(state: AgentState, recipients: Sequence[str]) -> AgentState:
    """A state whose free text only these recipients can read; unchanged if there are none.

    Text that cannot be encrypted is left out: a heartbeat neither fails nor shows it.
    """
    text = _text_of(state) if recipients else {}
    if not text:
        return state
    try:
        encrypted = b64encode(encrypt(json.dumps(text).encode(), recipients)).decode()
    except NervesysError as err:
        log.warning("the text of the state is left out: %s", err)
        encrypted = None
    hidden = {part: dict.fromkeys(fields, HIDDEN) for part, fields in text.items()}
    return _with_text(state, hidden).model_copy(update={"encrypted": encrypted})


def decrypt_text(state: AgentState) -> AgentState:
    """A state with its text, where this process has an identity for it; else unchanged."""
    if state.encrypted is None:
        return state
    try:
        found = json.loads(decrypt_body(b64decode(state.encrypted), f"state of {state.agent_id}"))
        text = {part: {field: str(found[part][field]) for field in fields} for part, fields in _text_of(state).items()}
    except (BadObject, ValueError, KeyError, TypeError):
        return state
    return _with_text(state, text).model_copy(update={"encrypted": None})


def _text_of(state: AgentState) -> dict[str, dict[str, str]]:
    """The text that is there, by part and field."""
    parts = {part: getattr(state, part) if part else state for part in FIELDS}
    found = {
        part: {field: value for field in FIELDS[part] if (value := getattr(of, field)) is not None}
        for part, of in parts.items()
        if of is not None
    }
    return {part: fields for part, fields in found.items() if fields}


def _with_text(state: AgentState, text: dict[str, dict[str, str]]) -> AgentState:
    changes: dict[str, Any] = {
        part: getattr(state, part).model_copy(update=fields) for part, fields in text.items() if part
    }
    return state.model_copy(update=changes | text.get("", {}))
