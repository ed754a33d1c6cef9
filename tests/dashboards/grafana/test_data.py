"""Every page at three ranges, and without data: Grafana's libraries show the same texts, colours, rows and links."""

import copy
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dashboards.build import pages
from dashboards.grafana_json import Json
from dashboards.style import Colour
from nervesys.contract.times import seconds_of
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import load
from reports.units import NumberFormat
from tests.dashboards.grafana.compare import EXPLAINED, Difference, compare, unexplained
from tests.dashboards.grafana.node import installed, run
from tests.dashboards.grafana.recording import Recording, our_panels, record, without_data

PAGES = pages(load(profile="local"))
RANGES = ("now-1h", "now-6h", "now-7d")
UNITS = (
    "none",
    "short",
    "percentunit",
    "bytes",
    "Bps",
    "s",
    "count:/s",
    "count:/min",
    "currencyUSD",
    "currency:CHF\xa0",
)
DIGITS = (1, 2.5, 1.2346, 9.9961)
NUMBERS = [
    0,
    *(
        sign * digits * 10**exponent
        for exponent in range(-6, 13)
        for digits in (1, 2.5, 1.2346, 9.9961)
        for sign in (1, -1)
    ),
    *(60 * 60 * 24 * days for days in (0.04, 1, 1.5, 7, 9, 400)),
]
OUR_COLOURS = {"grey": Colour.OFF}


@pytest.fixture(scope="module")
def recordings(live: QueryRunner) -> list[Recording]:
    installed()
    with ThreadPoolExecutor() as executor:
        found = [record(page, live, since, seconds_of(since), executor) for page in PAGES for since in RANGES]
    return found + [without_data(each) for each in found if each.since == RANGES[0]]


@pytest.fixture(scope="module")
def grafana(recordings: list[Recording]) -> Json:
    return shown_by_grafana(recordings)


def shown_by_grafana(recordings: list[Recording]) -> Json:
    """What Grafana's libraries make of recordings."""
    given = {
        "now": recordings[0].model.end,
        "recordings": [each.as_json() for each in recordings],
        "pages": PAGES,
        "colours": list(Colour),
        "numbers": NUMBERS,
        "units": UNITS,
    }
    done = run("main.js", given=json.dumps(given))
    assert done.returncode == 0, done.stderr[-2000:]
    made: Json = json.loads(done.stdout)
    made["colours"] |= {name: made["colours"][colour] for name, colour in OUR_COLOURS.items()}
    return made


def differences(recordings: list[Recording], grafana: Json) -> Iterator[Difference]:
    for recording, theirs in zip(recordings, grafana["shown"], strict=True):
        ours = our_panels(recording.model)
        assert theirs.keys() == ours.keys()
        for title in ours:
            where = f"{recording.page['uid']} / {recording.since} / {title}"
            yield from compare(where, theirs[title], ours[title], grafana["colours"])


def test_no_difference_is_without_an_explanation(recordings: list[Recording], grafana: Json) -> None:
    found = list(differences(recordings, grafana))
    assert unexplained(found) == []
    assert [pattern for pattern in EXPLAINED if not any(re.search(pattern, str(each)) for each in found)] == []


def test_every_number_has_the_text_that_grafana_gives_it(grafana: Json) -> None:
    ours = {unit: [NumberFormat.of(unit).text(number) for number in NUMBERS] for unit in UNITS}
    assert ours == dict(zip(UNITS, grafana["texts"], strict=True))


def test_links_between_pages_pass_on_no_value_that_the_other_page_cannot_take(grafana: Json) -> None:
    for page, address, reached in zip(PAGES, grafana["addresses"], grafana["links"], strict=True):
        assert not any(name.startswith("var-top_") for name in address), page["uid"]
        for other, values in zip(PAGES, reached, strict=True):
            single = [each["name"] for each in other["templating"]["list"] if not each.get("multi")]
            taken = {name: values[name] for name in single if name != "datasource"}
            assert not any(taken.values()), f"{page['uid']} sets {taken} of {other['uid']}"


CHANGES: dict[str, dict[str, Any]] = {
    "Status": {"mappings": []},
    "Heartbeat age": {"unit": "bytes"},
    "Started": {"links": [{"title": "", "url": "/d/elsewhere"}]},
    "Errors": {"thresholds": {"mode": "absolute", "steps": [{"color": "purple", "value": None}]}},
}
"""Panels that Grafana gets otherwise than our page."""


def test_what_ours_showed_otherwise_would_be_found(recordings: list[Recording]) -> None:
    details = next(each for each in recordings if each.page["uid"] == "agent-details")
    page = copy.deepcopy(details.page)
    for panel in page["panels"]:
        if panel["title"] in CHANGES:
            panel["fieldConfig"]["defaults"] |= CHANGES[panel["title"]]
    other = Recording(page, details.since, details.results, details.model)
    found = unexplained(list(differences([other], shown_by_grafana([other]))))
    parts = {(text.split(" / ")[2], text.split(" / ")[4].partition(":")[0]) for text in found}
    assert {("Errors", "colour"), ("Heartbeat age", "text"), ("Started", "link"), ("Status", "text")} <= parts
    assert {panel for panel, _ in parts} == CHANGES.keys()
