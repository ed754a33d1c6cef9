"""Evaluates a log query on a record: which labels and line it has after the pipeline, or none."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nervesys.logs.entries import LogEntry
from nervesys.logs.logql.expressions import (
    FilterGroup,
    JsonStage,
    LabelFilter,
    LabelMatcher,
    LabelsStage,
    LineFilter,
    LineFormat,
    LogSelector,
    Stage,
)
from nervesys.logs.logql.lexer import LogqlError, parse_duration
from nervesys.logs.text_search import BadPattern, TextSearch

STREAM_LABELS = ("agent", "server", "level", "category")
"""Of every record."""
ERROR = "__error__"
"""Label of a record in which a number was compared with what is no number."""
MOST_FIELDS = 200
"""Of one record that become labels."""
_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

Labels = dict[str, str]
Processed = tuple[str, Labels]
"""Line and labels of a record."""
Step = Callable[[str, Labels, LogEntry], str | None]
"""Changes the labels in place; returns the line, or None where the record is left out."""
TextTest = Callable[[str], bool]


def stream_labels(entry: LogEntry) -> Labels:
    """The labels of a record's stream."""
    return {
        "agent": entry.agent,
        "server": entry.server,
        "level": entry.level.lower(),
        "category": entry.category.value,
    }


class Pipeline:
    """A log query, compiled.

    Args:
        selector: the query.

    Raises:
        LogqlError: a regular expression is wrong.
    """

    def __init__(self, selector: LogSelector) -> None:
        self._matchers = [(matcher.label, compile_matcher(matcher)) for matcher in selector.matchers]
        self._steps = [_compile(stage) for stage in selector.stages]

    def process(self, entry: LogEntry) -> Processed | None:
        """Line and labels of a record; None if it does not match."""
        labels = stream_labels(entry)
        if not all(test(labels.get(label, "")) for label, test in self._matchers):
            return None
        line = entry.line.decode(errors="replace")
        for step in self._steps:
            left = step(line, labels, entry)
            if left is None:
                return None
            line = left
        return line, labels

    def accepts(self, entry: LogEntry) -> bool:
        """Whether a record matches."""
        return self.process(entry) is not None


def compile_matcher(matcher: LabelMatcher) -> TextTest:
    """The test of a label's value; that of an absent label is empty.

    Raises:
        LogqlError: the regular expression is wrong.
    """
    return _text_test(matcher.op, matcher.value, whole=True)


def _compile(stage: Stage) -> Step:
    match stage:
        case LineFilter(op, values):
            return _line_step(op, values)
        case JsonStage():
            return _json_step
        case LabelFilter() | FilterGroup():
            return _filter_step(_label_test(stage))
        case LineFormat(parts):
            return lambda _line, labels, _entry: "".join(
                labels.get(part, "") if at % 2 else part for at, part in enumerate(parts)
            )
        case LabelsStage(keep, names):
            return _labels_step(keep, frozenset(names))


def _line_step(op: str, values: tuple[str, ...]) -> Step:
    negative = op.startswith("!")
    if op in ("|~", "!~"):
        tests: list[TextTest] = [_search(value).finds for value in values]
    else:
        tests = [lambda line, value=value: value in line for value in values]  # type: ignore[misc]  # one value each

    def step(line: str, _labels: Labels, _entry: LogEntry) -> str | None:
        return line if any(test(line) for test in tests) != negative else None

    return step


def _filter_step(test: Callable[[Labels], bool]) -> Step:
    return lambda line, labels, _entry: line if test(labels) else None


def _labels_step(keep: bool, names: frozenset[str]) -> Step:
    def step(line: str, labels: Labels, _entry: LogEntry) -> str:
        for name in [name for name in labels if (name in names) != keep]:
            del labels[name]
        return line

    return step


def _json_step(line: str, labels: Labels, entry: LogEntry) -> str:
    """Add the record's fields; one that has the name of a label gets the suffix `_extracted`, as in Loki."""
    for count, (name, value) in enumerate(_flattened(entry.fields)):
        if count >= MOST_FIELDS:
            break
        if name:  # a label has a name; JSON permits the empty key
            labels[f"{name}_extracted" if name in STREAM_LABELS else name] = value
    return line


def _flattened(fields: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        name = above + re.sub(r"[^A-Za-z0-9_]", "_", str(key))
        name = f"_{name}" if name[:1].isdigit() else name
        if isinstance(value, dict):
            yield from _flattened(value, f"{name}_")
        elif isinstance(value, bool):
            yield name, str(value).lower()
        elif isinstance(value, str | int | float):
            yield name, str(value)


def _label_test(part: LabelFilter | FilterGroup) -> Callable[[Labels], bool]:
    if isinstance(part, FilterGroup):
        tests = [_label_test(inner) for inner in part.parts]
        joined = all if part.op == "and" else any
        return lambda labels: joined(test(labels) for test in tests)
    if isinstance(part.value, str):
        test, label = _text_test(part.op, part.value, whole=True), part.label
        return lambda labels: test(labels.get(label, ""))
    return _number_test(part.label, part.op, part.value)


def _number_test(label: str, op: str, wanted: float) -> Callable[[Labels], bool]:
    compare = _COMPARE[op]

    def test(labels: Labels) -> bool:
        text = labels.get(label)
        if text is None:
            return False
        try:
            return bool(compare(parse_duration(text), wanted))
        except ValueError:
            labels[ERROR] = "LabelFilterErr"
            return True

    return test


def _text_test(op: str, value: str, *, whole: bool) -> TextTest:
    if op == "=":
        return lambda text: text == value
    if op == "!=":
        return lambda text: text != value
    search = _search(value, whole=whole)
    return search.finds if op == "=~" else lambda text: not search.finds(text)


def _search(pattern: str, *, whole: bool = False) -> TextSearch:
    try:
        return TextSearch(pattern, whole=whole)
    except BadPattern as bad:
        raise LogqlError(f"regular expression {pattern!r}: {bad}") from None
