"""Labels and lines after each stage."""

import json

import pytest

from nervesys.logs.entries import LogEntry, parse_entry
from nervesys.logs.logql.expressions import LogSelector
from nervesys.logs.logql.lexer import LogqlError
from nervesys.logs.logql.parser import parse
from nervesys.logs.logql.pipeline import MOST_FIELDS, Pipeline
from tests.nervesys.logs.fleet_logs import NOW, record

ENTRY_FIELDS = record(
    NOW,
    level="ERROR",
    message='cannot "open"',
    context={"duration_ms": 1500, "took": "2.5s", "deep": {"a.b": True, "1st": None}, "list": [1]},
    metadata={"tokens_used": 7},
)


def entry(**more: object) -> LogEntry:
    return parse_entry(json.dumps({**ENTRY_FIELDS, **more}).encode(), "srv-1", None)


def process(query: str, **more: object) -> tuple[str, dict[str, str]] | None:
    parsed = parse(query)
    assert isinstance(parsed, LogSelector)
    return Pipeline(parsed).process(entry(**more))


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("{}", True),
        ('{agent="grok", server=~"srv-.", level="error", category!="errors"}', True),
        ('{agent=~"gro"}', False),
        ('{job="x"}', False),
        ('{job=""}', True),
        ('{level!~"info|warn"}', True),
        ('{} |= `\\"open\\"`', True),
        ('{} |= "nothing" or "cannot"', True),
        ('{} != "cannot"', False),
        ('{} |~ "can+o."', True),
        ('{} !~ "(?i)Cannot"', False),
        ("{} | json | context_duration_ms > 1000", True),
        ("{} | json | context_duration_ms >= 1501", False),
        ("{} | json | context_took > 2s and context_took < 3s", True),
        ("{} | json | context_missing > 0", False),
        ("{} | json | metadata_tokens_used = 7", True),
        ('{} | json | message=~"cannot.*" and (level="info" or action="review")', True),
        ('{} | json | context_deep_a_b="true" | context_deep__1st=""', True),
        ("{} | context_duration_ms > 1", False),
    ],
)
def test_matchers_and_filters(query: str, matches: bool) -> None:
    assert (process(query) is not None) is matches


def test_json_adds_labels_and_keeps_those_of_the_stream() -> None:
    processed = process("{} | json")
    assert processed is not None
    line, labels = processed
    assert json.loads(line) == ENTRY_FIELDS
    assert (labels["level"], labels["level_extracted"], labels["agent_id"]) == ("error", "ERROR", "grok")
    assert "context_list" not in labels
    assert len(process("{} | json", context={f"k{n}": n for n in range(500)})[1]) <= MOST_FIELDS + 4  # type: ignore[index]  # it matches


def test_a_field_without_a_name_becomes_no_label() -> None:
    labels = process("{} | json", **{"": "x", "context": {"": "y"}})[1]  # type: ignore[index]  # it matches
    assert ("" in labels, labels["context_"]) == (False, "y")


def test_lines_are_rewritten_and_labels_left_out() -> None:
    assert process('{} | json | line_format "{{.level}} {{.message}} {{.nothing}}" | keep agent, server') == (
        'error cannot "open" ',
        {"agent": "grok", "server": "srv-1"},
    )
    assert process("{} | drop level, category")[1] == {"agent": "grok", "server": "srv-1"}  # type: ignore[index]  # it matches


def test_a_number_that_is_none_is_marked_and_kept() -> None:
    processed = process("{} | json | message > 5")
    assert processed is not None
    assert processed[1]["__error__"] == "LabelFilterErr"
    assert process('{} | json | message > 5 | __error__=""') is None


@pytest.mark.parametrize("query", ['{agent=~"a("}', '{} |~ "(?=x)"', '{} | json | a=~"[z-a]"'])
def test_a_wrong_regular_expression_is_an_error(query: str) -> None:
    with pytest.raises(LogqlError, match="regular expression"):
        process(query)
