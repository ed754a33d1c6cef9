"""Lines are read by a short cut: it must say of each what `LogRecord` says.

Covers: exporters.shared.lines.
"""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import product

import msgspec
import pytest
from pydantic import AliasChoices

from exporters.shared import lines
from exporters.shared.lines import LineContext, LineMetadata, ParsedLine, parse_lines
from nervesys.contract import LogRecord
from nervesys.contract.logs import LogContext, LogMetadata
from nervesys.contract.objects import ContractObject
from nervesys.contract.validation import BOM
from nervesys.errors import BadObject, Reason
from tests.exporters.shared.kit import PLAIN
from tests.properties import given, settings, st

TIMES = (
    "2026-01-31T23:59:59.999999Z",
    "2026-01-31T23:59:59.9999999Z",
    "2026-01-31t10:15:00z",
    "2026-01-31T10:15:00+02:00",
    "2026-01-31T10:15:00-00:00",
    "2026-01-31T10:15:00",
    "2026-01-31 10:15:00Z",
    "20260131T101500Z",
    "2026-01-31T10Z",
    "2026-01-31T10:1x:00Z",
    "2026-01-31",
    "2026-02-29T10:15:00Z",
    "1969-12-31T23:59:59.9999999Z",
    "1970-01-01T00:30:00+01:00",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-01:00",
    "٢٠٢٦-01-31T10:15:00Z",
    *("2026-06-30T23:59:60Z", "1767268800", "1767268800123", "2026013110123", "1767268800.5"),
)
WORDS = ("", "grok", "GROK", "no name", "warning", "error", "FATAL", "other", "AUDIT", "12", "1e3", "é", "😀", *TIMES)
ODD = (
    *(b"null", b"true", b"0", b"-0.0", b"-1", b"1.5", b"1769854500", b"1e308", b"1e309", b"-1e-400", b"9" * 30),
    *(b"9" * 500, b"9" * 5000, b"0." + b"1" * 5000, b"01", b"1.", b"NaN", b"Infinity", b"-Infinity", b"nul", b""),
    *(b"[]", b"{}", b"[1,]", b'{"a":1,"a":{}}', b"[" * 150 + b"]" * 150, b"[" * 250 + b"]" * 250, b"[" * 2000),
    *(b'{"a":' * 197 + b"1" + b"}" * 197, b'{"a":' * 210 + b"1" + b"}" * 210, b'"' + b"x" * 5000 + b'"'),
    *(
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b'"\\ud800"',
        b'"\\ud83d\\ude00"',
        b'"\\u0000"',
        b'"\x01"',
        b'"\\q"',
    ),
    *(b'{"\xff":1}', b'{"duration_ms":"12"}', b'{"file":7}', b'{"tokens_used":null,"input_tokens":3}'),
)
VALUES = st.one_of(
    st.sampled_from([json.dumps(word).encode() for word in WORDS]),
    st.sampled_from(ODD),
    st.floats(width=32).map(lambda number: json.dumps(number).encode()),
    st.integers().map(lambda number: str(number).encode()),
)


def name(text: object) -> bytes:
    return json.dumps(text).encode()


def names(model: type[ContractObject]) -> list[str]:
    """What a field may be called in a body."""
    found: list[str] = []
    for field, info in model.model_fields.items():
        aliases = info.validation_alias
        found += [str(alias) for alias in aliases.choices] if isinstance(aliases, AliasChoices) else [field]
    return found


def pairs(model: type[ContractObject], values: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes]]:
    """Some fields, perhaps one of them twice, or others."""
    keys = st.sampled_from([*map(name, names(model)), b'"more"', b'"lev\\u0065l"'])
    return st.lists(st.tuples(keys, values).map(b":".join), max_size=3)


def body(found: Sequence[bytes]) -> bytes:
    return b"{" + b",".join(found) + b"}"


CONTEXT, METADATA = (pairs(model, VALUES).map(body) for model in (LogContext, LogMetadata))
RECORDS = st.builds(
    lambda plain, odd, last: body([*(name(key) + b":" + name(PLAIN[key]) for key in plain), *odd]) + last,
    st.sets(st.sampled_from(sorted(PLAIN)), min_size=len(PLAIN) - 2),
    pairs(LogRecord, st.one_of(VALUES, CONTEXT, METADATA)),
    st.sampled_from([b"", b"", b"", b"\n", b"\r", b" x", b"\x00", b"{}"]),
)
WHOLE = st.builds(
    lambda context, metadata: body(
        [*(name(key) + b":" + name(PLAIN[key]) for key in ("timestamp", "agent_id")), context, metadata]
    ),
    CONTEXT.map(lambda it: b'"context":' + it),
    METADATA.map(lambda it: b'"metadata":' + it),
)


def assert_alike(line: bytes) -> None:
    skipped: Counter[Reason] = Counter()
    fast = list(parse_lines([line], skipped))
    record, refused = parse_record(line)
    assert skipped == refused, line
    assert len(fast) == (record is not None), line
    if record is not None:
        at, short = fast[0]
        context, metadata = short.context, short.metadata
        assert (short.agent_id, short.level, short.category) == (record.agent_id, record.level, record.category), line
        assert at.timestamp() == pytest.approx(record.timestamp, abs=1e-6), line
        assert context.duration_ms == close(record.context.duration_ms), line
        assert metadata.tokens_used == close(record.metadata.tokens), line
        assert metadata.tokens_used is None or metadata.model_version == record.metadata.model_version, line


def parse_record(line: bytes) -> tuple[LogRecord | None, Counter[Reason]]:
    """The record of a line, or why it has none; an empty one is neither."""
    if not line.removeprefix(BOM).strip():
        return None, Counter()
    try:
        return LogRecord.parse(line), Counter()
    except BadObject as bad:
        return None, Counter([bad.reason])


def close(number: float | None) -> object:
    """Long numbers differ in the last bit."""
    return None if number is None else pytest.approx(number, rel=1e-15)


@settings(max_examples=600)
@given(st.one_of(RECORDS, WHOLE, st.binary(max_size=9)))
def test_a_line_says_what_its_record_says(line: bytes) -> None:
    assert_alike(line)


def test_each_field_may_hold_anything() -> None:
    """Every odd value in every field, as only and as last of two."""
    for key, value in product([*names(LogRecord), "more"], [*ODD, *(name(word) for word in WORDS)]):
        for before in (json.dumps(PLAIN | {key: "7"}), json.dumps({k: v for k, v in PLAIN.items() if k != key})):
            assert_alike(before.encode()[:-1] + b"," + name(key) + b":" + value + b"}")
    for part, model in (("context", LogContext), ("metadata", LogMetadata)):
        for key, value in product([*names(model), "more"], ODD):
            inner = body([name(key) + b":" + value])
            assert_alike(json.dumps(PLAIN).encode()[:-1] + b"," + name(part) + b":" + inner + b"}")


def test_of_a_line_as_agents_write_it_no_record_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_parse_by_model", None)
    more = PLAIN | {"message": "x" * 1000 + "é", "context": {"trace": {"id": [1]}, "file": None}}
    for fields in (PLAIN, more, {key: PLAIN[key] for key in ("timestamp", "agent_id")}):
        assert len(list(parse_lines([json.dumps(fields).encode()], Counter()))) == 1


@pytest.mark.parametrize(
    ("short", "model"), [(ParsedLine, LogRecord), (LineContext, LogContext), (LineMetadata, LogMetadata)]
)
def test_every_field_of_the_contract_is_read_or_left_to_it(
    short: type[msgspec.Struct], model: type[ContractObject]
) -> None:
    assert {field.encode_name for field in msgspec.structs.fields(short)} - {"usage_of_model"} == set(names(model))
