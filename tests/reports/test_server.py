"""The live pages before a real Prometheus that remembers an hour.

Covers: reports.geometry.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from commands.families import families
from nervesys.clients.prometheus import Prometheus, QueryFailed, Series
from nervesys.metrics.pages import application
from nervesys.queries.dashboard_queries import annotations_of
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import load
from reports.model import Body, Cell, Table
from reports.server import Site
from tests.reports.panels import PAGES, at_once

MONITORING = load(profile="local").settings.monitoring
WEB, JOURNAL = MONITORING.web, MONITORING.journal_url
TRACES = f"{WEB.url_of(MONITORING.listen.page)}/trace/"


class Outline(HTMLParser):
    """Which elements a page has: by id their class, and every attribute that would need a laxer policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.classes: dict[str, str] = {}
        self.links: set[str] = set()
        self.inline: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        if tag in {"section", "h2"}:
            self.classes[found["id"]] = found.get("class", "heading")
        if tag == "a":
            self.links.add(found["href"])
        self.inline += [name for name in found if name == "style" or name.startswith("on")]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in found) else []


def read_logs(query: str, start: float, end: float) -> Body:
    """What a reader of log records finds."""
    return Table(("Text",), ((Cell(f"{query} {end - start:g}"),),))


def browser_of(live: QueryRunner) -> Iterator[TestClient]:
    with ThreadPoolExecutor(4) as executor:
        site = Site(
            PAGES, live.prometheus, live.interval, lambda: live.now, executor, journal=JOURNAL, logs=at_once(read_logs)
        )
        yield TestClient(application(site.program(), WEB))


@pytest.fixture(scope="module")
def browser(live: QueryRunner) -> Iterator[TestClient]:
    yield from browser_of(live)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["uid"])
def test_every_panel_of_every_page_shows_data(browser: TestClient, page: dict[str, object]) -> None:
    answer = browser.get(f"/d/{page['uid']}?from=now-1h")
    outline = Outline(answer.text)
    panels = page["panels"]
    assert isinstance(panels, list)
    assert list(outline.classes) == [f"{page['uid']}-{panel['id']}" for panel in panels]
    assert [name for name, kind in outline.classes.items() if kind == "notice"] == []
    assert outline.inline == []
    assert "script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"]


def test_the_front_page_leads_on_and_keeps_what_was_chosen(browser: TestClient) -> None:
    front = browser.get("/")
    assert front.url.path == "/d/main-overview"
    links = Outline(browser.get("/d/main-overview?from=now-1h&var-agent=grok").text).links
    assert "/d/stack-health?from=now-1h&to=now&var-agent=grok&var-agent_name=grok" in links
    assert "/d/agent-details?var-agent_name=grok&from=now-1h&to=now" in links


def test_an_agent_leads_to_its_episodes(browser: TestClient) -> None:
    links = Outline(browser.get("/d/agent-details?from=now-1h&var-agent_name=grok").text).links
    assert f"{JOURNAL}/?agent=grok" in links
    assert f"{JOURNAL}/?" in Outline(browser.get("/d/main-overview?from=now-1h").text).links


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        pytest.param("var-agent=grok", "grok", "gimai", id="one agent"),
        pytest.param('var-agent=x"}) or vector(1) or up{a="', "gimai", "x", id="what is no agent's name"),
        pytest.param("var-agent=", "gimai", "nobody", id="all of them"),
    ],
)
def test_only_what_prometheus_knows_can_be_chosen(browser: TestClient, query: str, shown: str, hidden: str) -> None:
    text = browser.get(f"/d/main-overview?from=now-1h&{query}").text
    agents = set(re.findall(r'href="/d/agent-details[^"]*" dir="auto">([^<]*)<', text))
    assert shown in agents
    assert hidden not in agents
    assert not [link for link in Outline(text).links if "vector" in link]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/d/nowhere", 404, "no such page"),
        ("/static/page.html", 404, "no such file"),
        ("/d/main-overview?from=yesterday", 400, "yesterday: not a duration"),
        ("/d/main-overview?from=now&to=now-1h", 400, "ends before it begins"),
        (f"/d/main-overview?from={'9' * 400}", 400, "not a duration"),
        (f"/d/main-overview?from={'9' * 5000}", 400, "not a duration"),
        (f"/d/main-overview?from=now-{'9' * 400}d", 400, "not a duration"),
        ("/d/main-overview?from=now-999999999y", 400, "1970 to 9999"),
        ("/d/main-overview?from=1&to=999999999999999", 400, "1970 to 9999"),
        ("/d/main-overview?from=%D9%A1%D9%A2", 400, "not a duration"),
        ("/d/main-overview?from=%3Cscript%3E", 400, "not a duration"),
        ("/d/main-overview?from=now-1h%0d%0aSet-Cookie:%20a=b", 400, "not a duration"),
    ],
)
def test_wrong_requests_get_an_error(browser: TestClient, path: str, status: int, words: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, words in answer.text) == (status, True)


@pytest.mark.parametrize("cookie", ["9" * 5000, "-1", "\u0661", "0", "1e9"])
def test_a_width_that_is_none_is_ignored(browser: TestClient, cookie: str) -> None:
    header = f"width={cookie}; zone=../../etc/passwd".encode()
    assert browser.get("/d/main-overview?from=now-5m", headers={b"cookie": header}).status_code == 200


@dataclass(frozen=True)
class Hostile(Prometheus):
    """Answers every query with a series whose every label is hostile."""

    text: str = ""

    @property
    def labels(self) -> dict[str, str]:
        names = {label for family in families() for label in family.labels}
        return dict.fromkeys(names | {"job", "instance", "alertname", "severity", "alertstate"}, self.text)

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        return [Series(self.labels, ((at or 0, 1),))]

    def range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        return [Series(self.labels, ((start, 1), (end, 2)))]

    def label_values(self, label: str, selector: str, start: float, end: float, limit: int | None = None) -> list[str]:
        return [self.text]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "</script></style></title><svg onload=alert(1)>",
    ],
)
def test_no_label_of_any_page_becomes_markup(text: str) -> None:
    for browser in browser_of(QueryRunner(Hostile("http://nowhere", text=text), 5, 1_750_000_000)):
        for page in PAGES:
            response = browser.get(f"/d/{page['uid']}?from=now-1h")
            outline = Outline(response.text)
            assert response.status_code == 200
            assert outline.inline == []
            assert outline.tags.isdisjoint({"img", "iframe", "object", "embed", "base"})
            assert all(link.startswith(("/", "#", "?", "https://", JOURNAL, TRACES)) for link in outline.links)
            assert "<script>alert" not in response.text


def test_a_long_text_is_cut_and_whole_in_its_tooltip() -> None:
    text = "word " * 200
    for browser in browser_of(QueryRunner(Hostile("http://nowhere", text=text), 5, 1_750_000_000)):
        response = browser.get("/d/main-overview?from=now-1h").text
        assert f'title="{text}" dir="auto">{text[:300]}…<' in response
        assert f'dir="auto">{text}<' not in response.split("<table>", 1)[1].split("</table>", 1)[0]


def test_what_had_data_within_the_range_can_be_chosen_though_it_is_gone(live: QueryRunner) -> None:
    hours_later = QueryRunner(live.prometheus, live.interval, live.now + 7200)
    for browser in browser_of(hours_later):
        assert "<option>grok</option>" in browser.get("/d/main-overview?from=now-3h").text


def test_a_value_that_is_not_there_is_named(live: QueryRunner) -> None:
    for browser in browser_of(live):
        text = browser.get("/d/main-overview?from=now-1h&var-agent=nobody").text
        assert "Agent &#39;nobody&#39;: not in this time range; shown: all" in text
        assert "not in this time range" not in browser.get("/d/main-overview?from=now-1h&var-agent=grok").text


def test_values_are_searched(browser: TestClient) -> None:
    found = browser.get("/d/main-overview/values/agent?from=now-1h&text=GRO")
    assert found.json() == {"values": ["grok"]}
    assert browser.get("/d/main-overview/values/agent?from=now-1h&text=.*").json() == {"values": []}, "no expression"
    assert browser.get("/d/main-overview/values/nothing").status_code == 404
    assert browser.get("/d/main-overview/values/agent?from=soon").status_code == 400


def test_it_only_reads(browser: TestClient) -> None:
    assert {browser.request(how, "/d/main-overview").status_code for how in ("POST", "PUT", "DELETE")} == {405}


def test_the_page_is_drawn_as_wide_and_by_the_clock_as_its_script_says(browser: TestClient) -> None:
    browser.cookies.update({"width": "600", "zone": "Asia%2FKolkata"})
    text = browser.get("/d/main-overview?from=now-1h").text
    browser.cookies.clear()
    assert " IST</p>" in text
    assert '"zone":"Asia/Kolkata"' in text
    assert "viewBox" not in text, "a browser with a script draws the graphs itself"


def test_style_and_script_are_served(browser: TestClient) -> None:
    style, script = browser.get("/static/page.css"), browser.get("/static/page.js")
    assert (style.headers["content-type"][:8], script.headers["content-type"][:15]) == ("text/css", "text/javascript")
    for panel in PAGES[0]["panels"]:
        assert f"#main-overview-{panel['id']}{{" in style.text


@dataclass(frozen=True)
class Faulty(Prometheus):
    """Values to choose from cannot be read; every query has a result."""

    def range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        return [Series({}, ((start, 1), (end, 2)))]

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        return [Series({}, ((at or 0, 1),))]

    def label_values(self, label: str, selector: str, start: float, end: float, limit: int | None = None) -> list[str]:
        raise QueryFailed("too many label values")


def test_panels_whose_variables_are_unknown_say_so_and_the_others_stay() -> None:
    for browser in browser_of(QueryRunner(Faulty("http://nowhere"), 5, 1_750_000_000)):
        text = browser.get("/d/stack-health").text
        kinds = Outline(text).classes.values()
        assert "The values to choose from: too many label values" in text
        assert "The values of $source are not known" in text
        assert {"notice", "tiles"} <= set(kinds)


def test_an_unavailable_prometheus_is_reported_in_every_panel() -> None:
    away = QueryRunner(Prometheus("http://127.0.0.1:9", timeout_seconds=1), 5, 1_750_000_000)
    for browser in browser_of(away):
        answer = browser.get("/d/main-overview")
        panels = [kind for kind in Outline(answer.text).classes.values() if kind != "heading"]
        assert answer.status_code == 200
        assert set(panels) == {"notice"}
        assert "query Prometheus at http://127.0.0.1:9: cannot connect" in answer.text
        for marks in annotations_of(PAGES[0]):
            assert f"{marks['name']}: query Prometheus" in answer.text, "nor is it known what happened"
