"""The page of a trace.

Covers: reports.traces, reports.traces.find, reports.traces.waterfall, reports.traces.site.
"""

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from nervesys.contract.otlp_names import AGENT
from nervesys.contract.times import utc
from nervesys.errors import StoreUnavailable
from nervesys.logs.budget import ReadBudget
from nervesys.settings import load
from reports.traces import find, site
from reports.traces.find import TraceFinder
from reports.traces.site import TraceSite
from reports.traces.waterfall import arrange
from tests import otlp
from tests.exporters.store.bucket import Bucket

NOW = 1_800_000_000.0
OTHER = "f" * 32


@dataclass
class World:
    folder: Path
    store: Bucket = field(init=False)
    finder: TraceFinder = field(init=False)

    def __post_init__(self) -> None:
        self.store = Bucket(self.folder)
        self.finder = TraceFinder(self.store, load().settings.storage, lambda: NOW)

    def ship(self, *spans: dict[str, Any], ago: float = 0, agent: str = "grok") -> str:
        at = utc(NOW - ago)
        key = f"db/traces/host-1/{at:%Y-%m-%d}/{at:%H%M%S}_{agent}_1.jsonl.gz"
        self.store.lay(key, gzip.compress(otlp.line(*spans, **{AGENT: agent})), NOW)
        return key

    def names(self, agent: str = "", budget: ReadBudget | None = None) -> list[str]:
        return [item.span.name for item in self.finder.find(otlp.TRACE, agent, budget or ReadBudget())]

    def client(self) -> TestClient:
        return TestClient(Starlette(routes=TraceSite(lambda: self.finder, {"calls": "Calls"}).routes()))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "bucket")


def test_a_trace_is_gathered_from_the_objects_of_several_agents_and_days(world: World) -> None:
    world.ship(otlp.span(name="late", begin=NOW - 90_000))
    world.ship(otlp.span(name="early", begin=NOW - 100_000), ago=90_000, agent="gimai")
    world.ship(otlp.span(trace=OTHER, begin=NOW), ago=50_000)
    assert sorted(world.names()) == ["early", "late"]
    assert world.names("gimai") == ["early"]
    assert world.names("nobody") == []


def test_objects_sealed_before_a_trace_began_are_not_read(world: World) -> None:
    for ago in range(0, 86_400, 600):
        world.ship(otlp.span(name=f"{ago}", trace=otlp.TRACE if ago == 600 else OTHER, begin=NOW - 1000), ago=ago)
    assert world.names() == ["600"]
    assert len(world.store.gets) <= 2 * world.finder.storage.storj.concurrency


def test_a_damaged_object_and_a_budget_that_is_used_up_are_named(world: World) -> None:
    key = world.ship(otlp.span(name="good", begin=NOW - 200_000))
    world.store.lay(f"{key[:-10]}2.jsonl.gz", b"no gzip", NOW)
    budget = ReadBudget()
    assert world.names(budget=budget) == ["good"]
    assert "bad_gzip" in budget.warnings[0]
    assert world.names(budget=ReadBudget(max_bytes=10)) == []


def test_folders_are_listed_no_longer_than_the_budget_allows(world: World) -> None:
    world.ship(otlp.span(name="old", begin=NOW - 200_000), ago=200_000)
    budget = ReadBudget(max_seconds=0)
    assert world.names(budget=budget) == []
    assert (budget.listed, "stopped after" in budget.exceeded) == (1, True)


def test_parents_stand_before_their_children_with_their_place_in_time(world: World) -> None:
    world.ship(
        otlp.chat(1, name="call", identity="02", parent="01", begin=NOW + 1, gen_ai__usage__input_tokens=5),
        otlp.span(4, name="root", identity="01", begin=NOW),
        otlp.span(1, name="second", identity="03", parent="01", begin=NOW + 3, failed="it broke"),
        otlp.span(0, name="orphan", identity="04", parent="09", begin=NOW + 4),
        otlp.span(0, name="loop a", identity="05", parent="06", begin=NOW),
        otlp.span(0, name="loop b", identity="06", parent="05", begin=NOW),
        ago=-10,
    )
    waterfall = arrange(world.finder.find(otlp.TRACE, "", ReadBudget()))
    assert [(row.name, row.depth) for row in waterfall.rows] == [
        ("root", 0),
        ("call", 1),
        ("second", 1),
        ("orphan", 0),
        ("loop a", 0),
        ("loop b", 1),
    ]
    call = waterfall.rows[1]
    assert (call.left, call.width, call.summary) == (25, 25, "gpt-5, 5 → 0 tokens")
    assert (waterfall.seconds, waterfall.failed, waterfall.agents) == (4, 1, ["grok"])
    assert ("status", "it broke") in waterfall.rows[2].details


def test_a_trace_without_duration_is_drawn_too(world: World) -> None:
    world.ship(otlp.span(0, begin=NOW))
    (row,) = arrange(world.finder.find(otlp.TRACE, "", ReadBudget())).rows
    assert (row.left, row.width) == (0, 0.2)


def test_the_page_shows_texts_as_texts(world: World) -> None:
    world.ship(otlp.span(name="<script>alert(1)</script>", begin=NOW, note="\x1b[2J<b>"))
    answer = world.client().get(f"/trace/{otlp.TRACE.upper()}")
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert r"\x1b[2J&lt;b&gt;" in answer.text
    assert "style=" not in answer.text, "the content security policy allows none"
    assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/trace/{OTHER}", 404),
        (f"/trace/{OTHER}?agent=grok", 404),
        ("/trace/nonsense", 400),
        (f"/trace/{OTHER}?agent=No Name", 400),
        ("/trace/static/trace.css", 200),
    ],
)
def test_what_is_not_there_says_so(world: World, path: str, status: int) -> None:
    answer = world.client().get(path)
    assert answer.status_code == status
    assert ("was found" in answer.text) == (status == 404)


def test_a_store_that_is_away_and_too_many_readers_are_no_crash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("list db/traces/: cannot connect")

    monkeypatch.setattr(world.store, "list", away)
    assert world.client().get(f"/trace/{OTHER}").status_code == 502
    monkeypatch.setattr(site, "QUERIES", 0)
    monkeypatch.setattr(site, "WAIT_SECONDS", 0.0)
    assert world.client().get(f"/trace/{OTHER}").status_code == 503


def test_the_spans_of_a_trace_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "SPANS", 3)
    world.ship(*(otlp.span(begin=NOW) for _ in range(5)))
    assert len(world.names()) == 3


@pytest.mark.parametrize(("seconds", "text"), [(0.0123, "12.3 ms"), (1.25, "1.25 s"), (185, "3 min 5 s")])
def test_durations_are_short(seconds: float, text: str) -> None:
    assert site._duration(seconds) == text
