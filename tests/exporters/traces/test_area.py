"""Source `traces`: each call counted once, with exemplars and the slowest traces.

Covers: exporters.traces, exporters.traces.area, exporters.traces.exemplars, exporters.traces.slowest.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from exporters.runner import Cache, Refresh
from exporters.shared.counting import OTHER
from exporters.shared.spans import MAX_MODELS
from exporters.traces import slowest
from exporters.traces.area import FAMILIES, TracesArea
from exporters.traces.slowest import AGENT_LIMIT, KEPT, RECENT_SECONDS
from nervesys.contract.times import utc
from tests import otlp
from tests.exporters.kit import HandClock, Rejections, context
from tests.exporters.store.bucket import Bucket, read_series

CALLS = 'gen_ai_operation_duration_seconds_count{agent="grok",operation="chat",model="gpt-5"}'
TOKENS = 'gen_ai_tokens_total{agent="grok",model="gpt-5",type="input"}'


class World:
    """A store, a cache on disk, and an exporter that may be started again."""

    def __init__(self, home: Path) -> None:
        self.home, self.store, self.clock = home, Bucket(home / "bucket"), HandClock(1_800_000_000.0)
        self.store.lay("db/agents/wanderer_state.json", b"{}", self.clock.now)
        self.start()

    def start(self) -> None:
        opened = context(self.clock, Cache(self.home / "cache.sqlite3"), source="traces")
        self.rejections = Rejections(opened.health.reject)
        self.out, self.area = Refresh(FAMILIES, self.rejections), TracesArea(self.store, opened)

    def ship(self, *spans: dict[str, Any], agent: str = "grok", name: str = "1") -> None:
        at = utc(self.clock.now)
        key = f"db/traces/srv1/{at:%Y-%m-%d}/{at:%H%M%S}_{agent}_{name}.jsonl.gz"
        self.store.lay(key, gzip.compress(otlp.line(*spans), mtime=0), self.clock.now)

    def run(self, later: float = 60) -> dict[str, float]:
        """One pass; what it shows afterwards."""
        self.clock.now += later
        self.store.forget()
        self.area.refresh(self.out)
        return read_series(self.out.snapshot().plain)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.run()
    return made


def test_each_object_is_counted_once_across_restarts(world: World) -> None:
    world.ship(otlp.chat(gen_ai__usage__input_tokens=100))
    assert (world.run()[CALLS], world.run()[CALLS]) == (0, 1)
    world.start()
    shown = world.run()
    assert (shown[CALLS], shown[TOKENS]) == (1, 100)
    assert world.store.gets == []
    world.ship(otlp.chat(gen_ai__usage__input_tokens=11), name="2")
    assert world.run()[TOKENS] == 111
    assert len(world.store.gets) == 1


def test_an_agent_with_a_state_has_series_of_its_own_and_any_other_has_not(world: World) -> None:
    world.ship(otlp.chat(), agent="wanderer")
    world.ship(otlp.chat(), agent="stranger")
    world.run()
    shown = world.run()
    assert shown[CALLS.replace("grok", "wanderer")] == 1
    assert shown[CALLS.replace("grok", OTHER)] == 1
    assert not [series for series in shown if "stranger" in series]


def test_models_are_bounded_for_each_agent(world: World) -> None:
    world.ship(*(otlp.chat(model=f"m{number}", gen_ai__usage__input_tokens=1) for number in range(MAX_MODELS + 5)))
    world.run()
    shown = {series: value for series, value in world.run().items() if series.startswith("gen_ai_tokens_total")}
    assert len(shown) == MAX_MODELS + 1
    assert shown[TOKENS.replace("gpt-5", OTHER)] == 5
    assert ("label_limit", "gen_ai_tokens_total/grok/m24/input") in world.rejections.all


def test_a_bucket_has_the_newest_trace_as_its_exemplar(world: World) -> None:
    world.ship(otlp.chat(1.0, trace="a" * 32), otlp.chat(1.1, trace="B" * 32), otlp.chat(70.0, trace="nothing"))
    world.run()
    world.run()
    text = world.out.snapshot().open_metrics.plain.decode()
    bucket = f'nervesys_{CALLS.replace("_count", "_bucket").rstrip("}")},le="1.28"}} 2'
    assert f'{bucket} # {{trace_id="{"b" * 32}"}} 1.1 1800000001.100\n' in text
    assert text.count(" # {") == 1
    assert text.endswith("# EOF\n")
    assert "# TYPE nervesys_gen_ai_tokens_total" not in text


def slow(shown: dict[str, float]) -> list[float]:
    return sorted(value for series, value in shown.items() if series.startswith("trace_slow_duration_seconds"))


def test_the_slowest_traces_of_an_hour_are_shown_a_few_of_each_agent(world: World) -> None:
    spans = [otlp.span(number, trace=f"{number:032x}", begin=world.clock.now) for number in range(KEPT + 10)]
    child = otlp.span(500, parent="aa", begin=world.clock.now)
    world.ship(*spans, child, otlp.chat())
    assert slow(world.run()) == [float(KEPT + 10 - back) for back in range(AGENT_LIMIT, 0, -1)]
    world.start()
    assert len(slow(world.run())) == AGENT_LIMIT, "they survive a restart"
    assert slow(world.run(RECENT_SECONDS)) == []


def test_a_cache_of_another_release_with_other_columns_is_forgotten() -> None:
    cache = Cache()
    for columns, rows in (
        ("seconds,agent", [[1, "grok"]]),
        ("", [[9]]),
        ("agent,seconds", [[2.0, "grok", "1", "n", 5.0]]),
    ):
        cache.keep_bodies(slowest.AREA, [("all", columns, json.dumps(rows).encode())])
        assert slowest.SlowestTraces(cache).newest(5.0) == ()


def test_a_trace_of_a_clock_that_is_years_ahead_is_not_shown_for_years(world: World) -> None:
    world.ship(otlp.span(900, trace="1" * 32, begin=world.clock.now + 1e8))
    world.ship(otlp.span(2, trace="2" * 32, begin=world.clock.now), name="2")
    assert slow(world.run()) == [2]
