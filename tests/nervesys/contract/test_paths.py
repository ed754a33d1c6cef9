"""Path templates, both ways, for every layout that fleets use."""

import string

import pytest

from nervesys.contract import PathTemplate
from nervesys.contract.paths import FIELDS, parse_date, time_fields
from nervesys.settings import load
from tests.properties import given, st

STORAGE = load().settings.storage
LAYOUTS = [
    *(template for template in dict(STORAGE.storj.paths).values()),
    *(template for template in dict(STORAGE.archive.paths).values()),
    # the older layout
    "logs/{category}/{date}/{time}_{agent}_{seq}.jsonl.gz",
    "logs/{category}/{server}/{date}_{agent}.jsonl.gz",
    "backups/daily/{date}.tar.gz",
    "shared/knowledge-base/{agent}.json",
    # the flat layout
    "logs/{server}/{date}/{time}_{agent}_{seq}.jsonl.gz",
    "metrics/{server}/{date}/{hour}{minute}{second}_{agent}.json",
    "state/{server}/{agent}_state.json",
    # an archive without categories
    "Archive/logs/{year}/{month}/{server}_{date}.json.gz",
]
LABEL = st.from_regex(
    r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True, alphabet=string.ascii_lowercase + string.digits + "-"
)
INSTANT = st.floats(0, 4e9)
NAMED = st.fixed_dictionaries(
    {
        "agent": LABEL,
        "entity": LABEL,
        "project": LABEL,
        "server": st.lists(LABEL, min_size=1, max_size=3).map(".".join),
        "category": st.sampled_from(["system", "activity", "errors", "audit"]),
        "seq": st.from_regex(r"[0-9a-z-]{1,12}", fullmatch=True),
        "object": st.from_regex(r"[0-9a-z._-]{1,40}", fullmatch=True),
    }
)


@pytest.mark.parametrize("text", LAYOUTS)
@given(at=INSTANT, named=NAMED)
def test_what_is_built_is_parsed_back(text: str, at: float, named: dict[str, str]) -> None:
    template = PathTemplate(text)
    fields = {**time_fields(at), **named}
    key = template.build(**fields)
    assert template.parse(key) == {name: fields[name] for name in template.fields}
    prefix = template.prefix(**fields)
    assert key.startswith(prefix)
    assert prefix == "" or prefix.endswith("/")


@pytest.mark.parametrize("text", LAYOUTS)
@given(key=st.text() | st.text(alphabet="db/agents_te.jsonlgz{}0123456789-"))
def test_no_key_breaks_the_parser(text: str, key: str) -> None:
    template = PathTemplate(text)
    fields = template.parse(key)
    if fields is not None:
        assert template.build(**fields) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("db/agents/{agent}_state.json", "db/agents/_state.json"),
        ("db/agents/{agent}_state.json", "db/agents/a/b_state.json"),
        ("db/agents/{agent}_state.json", "db/agents/grok_state.json.tmp"),
        ("logs/{date}/{agent}.gz", "logs/2026-1-1/grok.gz"),
        ("logs/{date}/{agent}.gz", "logs/\u0662026-01-01/grok.gz"),
        ("{year}/{year}-{agent}", "2026/2025-grok"),
        ("{category}/{agent}", "secrets/grok"),
    ],
)
def test_a_key_of_another_form_is_not_of_this_area(text: str, key: str) -> None:
    assert PathTemplate(text).parse(key) is None


def test_minute_and_second_are_parsed_separately() -> None:
    template = PathTemplate("db/metrics/{server}/{date}/{hour}/{minute}{second}_{agent}.json")
    assert template.parse("db/metrics/eu-1.example/2026-01-31/23/5907_grok.json") == {
        "server": "eu-1.example",
        "date": "2026-01-31",
        "hour": "23",
        "minute": "59",
        "second": "07",
        "agent": "grok",
    }


@pytest.mark.parametrize(
    ("fields", "prefix"),
    [
        ({}, "db/active_logs/"),
        ({"server": "host-1"}, "db/active_logs/host-1/"),
        ({"server": "host-1", "date": "2026-01-31"}, "db/active_logs/host-1/2026-01-31/"),
        ({"date": "2026-01-31"}, "db/active_logs/"),
    ],
)
def test_a_prefix_is_whole_folders_as_far_as_the_fields_reach(fields: dict[str, str], prefix: str) -> None:
    assert PathTemplate(STORAGE.storj.paths.active_logs).prefix(**fields) == prefix


@pytest.mark.parametrize(
    ("fields", "error"),
    [({}, KeyError), ({"agent": ""}, ValueError), ({"agent": "a/b"}, ValueError)],
    ids=["missing", "empty", "with a slash"],
)
def test_what_cannot_be_read_back_is_not_built(fields: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        PathTemplate("db/agents/{agent}_state.json").build(**fields)


@pytest.mark.parametrize("text", ["/etc/passwd", "a/../b", "{agnet}.json"])
def test_a_template_is_a_relative_key_of_known_fields(text: str) -> None:
    with pytest.raises(ValueError, match=r"unknown field|relative key"):
        PathTemplate(text)


@given(at=INSTANT)
def test_an_instant_fills_every_field_of_time(at: float) -> None:
    filled = time_fields(at)
    assert filled.keys() == FIELDS.keys() - {"agent", "server", "entity", "project", "category", "seq", "object"}
    assert parse_date(filled["date"]) is not None


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13-01", "0000-00-00", "yesterday", "2026-1-1"])
def test_a_day_that_does_not_exist(text: str) -> None:
    assert parse_date(text) is None
