"""Errors of one kind have one fingerprint, whatever numbers and ids they mention."""

import pytest

from nervesys.contract import LogRecord
from nervesys.contract.fingerprints import MAX_CHARACTERS, error_text, fingerprint


def record(message: str, **context: object) -> LogRecord:
    return LogRecord.model_validate(
        {"timestamp": 0, "agent_id": "grok", "action": "push", "message": message, "context": context}
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("timed out after 10 s", "timed out after 12.5 s"),
        ("no commit 0a1b2c3d4e5f", "no commit ff00ff00ff00"),
        ("job 01ARZ3NDEKTSV4RRFFQ69G5FAV failed", "job 01BX5ZZKBKACTAV9WEVGEMMVRZ failed"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id 00000000-e89b-12d3-a456-426614174999"),
    ],
)
def test_numbers_hashes_and_ids_do_not_distinguish_errors(first: str, second: str) -> None:
    assert fingerprint(record(first)) == fingerprint(record(second))


def test_other_words_distinguish_errors() -> None:
    assert fingerprint(record("timed out")) != fingerprint(record("refused"))


def test_the_last_line_of_a_traceback_belongs_to_the_text() -> None:
    text = error_text(record("push\n failed", traceback="Traceback:\n  line\nKeyError: 'x'\n"))
    assert text == "push failed: KeyError: 'x'"
    assert len(error_text(record("x" * 1000))) == MAX_CHARACTERS
