"""Text written by others cannot steer a terminal."""

import json

import pytest

from nervesys.logs.entries import parse_entry
from nervesys.logs.visible import details_of, fields_of, first_line, visible, visible_json
from tests.nervesys.logs.fleet_logs import NOW, record

HOSTILE = "a\x1b[2Jb\x9bc\u202ed\x00\x07"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("naïve 日本 ✓", "naïve 日本 ✓"),
        (HOSTILE, r"a\x1b[2Jb\x9bc\u202ed\x00\x07"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_control_characters_become_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_json_keeps_its_meaning() -> None:
    line = json.dumps({"message": f"{HOSTILE}\x7f\U000e0001é"}, ensure_ascii=False).encode()
    shown = visible_json(line)
    assert shown.isprintable()
    assert json.loads(shown) == json.loads(line)


def test_lines_below_the_first_are_details_and_long_fields_too() -> None:
    context = {"file": "a.py", "traceback": "Traceback:\n\tValueError: \x1b[31m", "n": 3, "x": "y" * 300}
    fields = record(NOW, message="first\n2026-03-20 forged line", context=context, metadata={"tokens_used": 5})
    entry = parse_entry(json.dumps(fields).encode(), "srv-1", None)
    assert first_line(entry) == "first"
    assert details_of(entry) == ["2026-03-20 forged line", "Traceback:", r"    ValueError: \x1b[31m"]
    assert fields_of(entry) == {"file": "a.py", "n": "3", "x": "y" * 200 + "…", "tokens_used": "5"}
