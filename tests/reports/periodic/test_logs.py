"""Logs wherever they lie, errors that are the same, and what cannot be read.

Covers: reports.periodic.log_totals.
"""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from nervesys.contract import LogRecord
from nervesys.contract.fingerprints import error_text, fingerprint
from nervesys.settings import load
from nervesys.stores.folder import FolderArchive
from reports.periodic import log_totals
from reports.periodic.log_totals import REST, LogTotals, most_frequent
from reports.periodic.logs import PeriodLogs
from tests.stores import FolderStore

DAY = date(2026, 3, 10)
STORAGE = load().settings.storage
KEY = "db/active_logs/host-1/2026-03-10/120000_grok_{seq}.jsonl.gz"


def line(message: str, category: str = "errors", **more: object) -> bytes:
    fields = {"timestamp": "2026-03-10T12:00:00Z", "agent_id": "grok", "category": category, "message": message}
    return json.dumps(fields | more).encode() + b"\n"


@pytest.fixture
def logs(tmp_path: Path) -> PeriodLogs:
    for name in ("store", "archive"):
        (tmp_path / name).mkdir()
    return PeriodLogs(STORAGE, FolderStore(tmp_path / "store"), FolderArchive(tmp_path / "archive"))


def counted(logs: PeriodLogs) -> tuple[int, list[str]]:
    notes: list[str] = []
    return logs.log_totals([DAY], notes).records, notes


def put(logs: PeriodLogs, *lines: bytes, seq: int = 1, body: bytes | None = None) -> None:
    assert isinstance(logs.store, FolderStore)
    logs.store.put(KEY.format(seq=seq), gzip.compress(b"".join(lines)) if body is None else body)


def file(logs: PeriodLogs, *lines: bytes, category: str = "errors", body: bytes | None = None) -> None:
    assert logs.archive
    path = f"Archive/logs/2026/03/host-1_2026-03-10_{category}.json.gz"
    logs.archive.put(path, gzip.compress(b"".join(lines)) if body is None else body)


def test_a_line_in_both_store_and_archive_counts_once_and_equal_lines_stay_two(logs: PeriodLogs) -> None:
    put(logs, line("a"), line("a"), line("b"))
    file(logs, line("a"))
    assert counted(logs) == (3, []), "the round had copied one of two equal lines"
    file(logs, line("a"), line("a"), line("b"))
    assert counted(logs) == (3, [])
    put(logs, line("late"), seq=2)
    assert counted(logs) == (4, [])


def test_a_server_is_the_same_in_capitals(logs: PeriodLogs) -> None:
    assert isinstance(logs.store, FolderStore)
    logs.store.put(KEY.format(seq=1).replace("host-1", "HOST-1"), gzip.compress(line("a")))
    file(logs, line("a"))
    assert counted(logs) == (1, [])


def test_other_days_and_names_that_are_none_count_nothing(logs: PeriodLogs) -> None:
    assert isinstance(logs.store, FolderStore)
    assert logs.archive
    logs.store.put("db/active_logs/host-1/2026-03-11/120000_grok_1.jsonl.gz", gzip.compress(line("a")))
    logs.store.put("db/active_logs/readme.txt", b"")
    logs.archive.put("Archive/logs/2026/03/host-1_2026-03-32_errors.json.gz", b"")
    assert counted(logs) == (0, [])


def test_what_cannot_be_read_is_noted_and_the_rest_counts(logs: PeriodLogs) -> None:
    put(logs, line("a"), b"Segmentation fault\n")
    whole = gzip.compress(b"".join(line(f"message {number} {number**9}") for number in range(999)))
    put(logs, seq=2, body=whole[: len(whole) // 2])
    file(logs, category="audit", body=b"no gzip")
    records, notes = counted(logs)
    assert 1 < records < 1000
    assert ["bad_gzip" in note for note in notes] == [True, True]


def record(message: str, **more: object) -> LogRecord:
    return LogRecord.parse(line(message, "errors", **more))


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("took 12.5 s", "took 7 s"),
        ("10.0.0.1:443 refused", "10.2.33.4:8443 refused"),
        ("commit 8f3a2bc is gone", "commit 00aa11d is gone"),
        ("task 01JABCDEFGHJKMNPQRSTVWXYZ0 failed", "task 01JZZZZZZZZZZZZZZZZZZZZZZ9 failed"),
        ("no 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "no 00000000-0000-0000-0000-000000000000"),
        ("שגיאה 5", "שגיאה 66"),
    ],
)
def test_errors_that_differ_in_numbers_and_ids_are_the_same_kind(first: str, other: str) -> None:
    assert fingerprint(record(first)) == fingerprint(record(other))


def test_errors_that_differ_in_words_action_or_cause_are_several() -> None:
    def failed(error: str) -> LogRecord:
        return record("review failed", action="review", context={"traceback": f"Traceback …\n  File x\n{error}\n"})

    assert error_text(failed("ValueError: no JSON")) == "review failed: ValueError: no JSON"
    records = [record("a"), record("b"), record("a", action="x"), failed("ValueError: 1"), failed("KeyError: 1")]
    assert len(set(map(fingerprint, records))) == len(records)
    assert fingerprint(record("facade added")) == ": facade added", "letters alone are no hash"


def test_kinds_of_errors_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_totals, "MAX_KINDS", 3)
    sums = LogTotals()
    sums.add_lines(line(f"{letter} failed") for letter in "abcdefg")
    assert (most_frequent(sums)[0].text, most_frequent(sums)[0].count) == (REST, 4)
    assert sums.failures == 7


def test_a_kind_of_error_has_the_text_of_its_first_record_whichever_is_read_first() -> None:
    sums = LogTotals()
    sums.add_lines(
        [line("took 7 s", timestamp="2026-03-10T12:10:00Z"), line("took 5 s", timestamp="2026-03-10T12:00:00Z")]
    )
    (kind,) = most_frequent(sums)
    assert (kind.text, kind.count, kind.last - kind.first) == ("took 5 s", 2, 600)


def test_the_last_error_before_an_instant() -> None:
    sums = LogTotals()
    sums.add_lines([line("first", timestamp="2026-03-10T12:00:00Z"), line("second", timestamp="2026-03-10T12:10:00Z")])
    noon = 1_773_144_000.0
    assert sums.error_before("grok", noon + 900, 1800) == "second"
    assert sums.error_before("grok", noon + 60, 1800) == "first"
    assert sums.error_before("grok", noon - 1, 1800) == ""
    assert sums.error_before("grok", noon + 7200, 1800) == "", "too long ago"
    assert sums.error_before("gimai", noon + 900, 1800) == ""
