"""What one log object may cost.

Covers: exporters.shared.bounds.
"""

import json
from collections import Counter

import pytest

from exporters.shared.bounds import CHECK_LINES, MAX_BAD_LINES, bounded
from exporters.shared.counting import OTHER
from exporters.shared.lines import parse_lines
from exporters.shared.records import MAX_SERIES, RECORDS, TOKENS, tally
from nervesys.errors import Reason

GOOD = json.dumps({"timestamp": "2026-01-31T10:15:00Z", "agent_id": "grok"}).encode() + b"\n"


@pytest.mark.parametrize("bad", [b"{}\n", b"[]\n", b"x\n", b"Traceback (most recent call last):\n"])
def test_an_object_of_bad_lines_ends_soon(bad: bytes) -> None:
    skipped: Counter[Reason] = Counter()
    lines = iter([GOOD] * 5 + [bad] * 50_000)
    assert len(list(parse_lines(bounded(lines, skipped, lambda: False), skipped))) == 5
    assert skipped[Reason.COSTLY] == 1
    assert skipped.total() <= MAX_BAD_LINES + CHECK_LINES + 1


def test_bad_lines_among_as_many_good_ones_end_nothing() -> None:
    skipped: Counter[Reason] = Counter()
    lines = [line for _ in range(3 * MAX_BAD_LINES) for line in (GOOD, GOOD, b"{}\n")]
    assert len(list(parse_lines(bounded(lines, skipped, lambda: False), skipped))) == 6 * MAX_BAD_LINES
    assert skipped == {Reason.BAD_VALUE: 3 * MAX_BAD_LINES}


def test_an_object_that_takes_too_long_ends_and_keeps_what_was_counted() -> None:
    skipped: Counter[Reason] = Counter()
    answers = iter([False, True])
    assert len(list(bounded([b"\n"] * 10_000, skipped, lambda: next(answers)))) == CHECK_LINES
    assert skipped == {Reason.COSTLY: 1}


def test_records_of_agents_that_are_not_known_count_as_other() -> None:
    sums, _ = tally([GOOD, GOOD.replace(b"grok", b"fake")], None, {"grok"}.__contains__)
    counts = {series[1]: sum(values) for series, values in sums.items() if series[0] == RECORDS.name}
    assert counts == {"grok": 1, OTHER: 1}


def test_invented_models_of_one_object_are_bounded() -> None:
    line = GOOD.rstrip(b"}\n")
    lines = [line + b', "metadata": {"model_version": "m%d", "tokens_used": 1}}' % at for at in range(MAX_SERIES + 50)]
    sums, _ = tally(lines, "grok")
    assert len(sums) <= MAX_SERIES + 1
    assert sum(values[0] for series, values in sums.items() if series[0] == TOKENS.name) == MAX_SERIES + 50
