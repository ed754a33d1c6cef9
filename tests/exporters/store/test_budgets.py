"""What was spent: by record and price, by calendar period, and against the budgets.

Covers: exporters.shared.costs, exporters.store.budgets, exporters.store.earlier_costs, nervesys.settings.budgets,
nervesys.settings.prices.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from exporters.runner import WHOLE, Cache, Refresh, Shard
from exporters.shared.costs import COST, OF_PERIOD, begins
from exporters.store import logs
from exporters.store.budgets import KEPT_DAYS, budget_samples, spent_of
from exporters.store.logs import LogsArea
from exporters.store.shared_state import SharedState
from nervesys.agent.round.summary import summarise_day
from nervesys.contract.logs import LogMetadata, TokenUsage
from nervesys.contract.times import DAY_SECONDS, format_time
from nervesys.settings.budgets import Budgets, PeriodBudget
from nervesys.settings.prices import Prices
from tests.brains import write as commit
from tests.exporters.kit import HandClock, Rejections, context
from tests.exporters.store.bucket import Bucket, read_series

NOON = datetime(2027, 3, 3, 12, tzinfo=UTC).timestamp()  # a Wednesday
DATED = [{"input": 1, "output": 10, "cached": 0.1, "per_call": 0.5}, {"from": "2027-03-03", "input": 2, "output": 20}]
PRICES = Prices.model_validate({"currency": "USD", "per_million_tokens": {"grok-4": 6, "gpt-5": DATED}})
M = 1_000_000


def some_budgets(**changed: object) -> Budgets:
    fast = {"times_usual": 10, "at_least": 1}
    nothing = {"fleet": {}, "agents": {}, "models": {}, "start_again": False, "spending_fast": fast}
    return Budgets.model_validate({**nothing, **changed})


@pytest.mark.parametrize(
    ("metadata", "usage"),
    [
        ({}, None),
        ({"tokens_used": 9}, TokenUsage(9)),
        ({"input_tokens": 5, "output_tokens": 2}, TokenUsage(0, 5, 2)),
        ({"tokens_used": 9, "input_tokens": 5, "output_tokens": 2}, TokenUsage(2, 5, 2)),
        ({"input_tokens": 5, "output_tokens": 2, "cached_tokens": 4}, TokenUsage(0, 1, 2, 4)),
        ({"gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 9}, TokenUsage(0, 0, 0, 5)),
    ],
)
def test_each_token_of_a_record_is_counted_once(metadata: dict[str, float], usage: TokenUsage | None) -> None:
    assert LogMetadata.model_validate(metadata).usage == usage


@pytest.mark.parametrize(
    ("model", "usage", "day", "cost"),
    [
        ("grok-4", TokenUsage(M), 3, 6),
        ("gpt-5", TokenUsage(0, M, M, M), 2, 1 + 10 + 0.1 + 0.5),
        ("gpt-5", TokenUsage(0, M, M, M), 3, 2 + 20 + 2),
        ("gpt-5", TokenUsage(M), 2, 10 + 0.5),
        ("nobody-s", TokenUsage(M), 3, None),
    ],
)
def test_a_call_costs_what_its_model_cost_on_that_day(
    model: str, usage: TokenUsage, day: int, cost: float | None
) -> None:
    at = datetime(2027, 3, day, 23, 59, tzinfo=UTC).timestamp()
    assert PRICES.cost_of_call(model, usage, at) == (None if cost is None else pytest.approx(cost))


def test_a_model_whose_price_begins_later_has_none_yet() -> None:
    prices = Prices.model_validate({"currency": "USD", "per_million_tokens": {"a": [DATED[1]]}})
    assert prices.price("a", NOON - DAY_SECONDS) is None
    later = datetime(2027, 3, 3, tzinfo=UTC).timestamp()
    assert (price := prices.price("a", later)) and price.since == date(2027, 3, 3)


@pytest.mark.parametrize("wrong", ["free", -1, [], [{"input": 1}], {"input": -1, "output": 1}, {"inputs": 1}])
def test_a_wrong_price_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Prices.model_validate({"currency": "USD", "per_million_tokens": {"a": wrong}})


def test_a_warning_lies_below_the_stop() -> None:
    with pytest.raises(ValidationError, match="must not exceed stop_at"):
        PeriodBudget.model_validate({"day": {"warn_at": 5, "stop_at": 4}})
    with pytest.raises(ValidationError, match="give warn_at, stop_at, or both"):
        PeriodBudget.model_validate({"day": {}})


def test_who_may_be_stopped() -> None:
    stop, warn = {"day": {"stop_at": 1}}, {"day": {"warn_at": 1}}
    assert some_budgets(agents={"grok": stop, "gimai": warn}).may_stop("grok")
    assert not some_budgets(agents={"grok": stop, "gimai": warn}).may_stop("gimai")
    assert some_budgets(fleet=stop).may_stop("gimai")
    assert some_budgets(models={"grok-4": stop}).may_stop("gimai")
    assert not some_budgets().may_stop("grok")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2027-03-03T23:59:59+00:00", ("2027-03-03", "2027-03-01", "2027-03-01")),
        ("2027-03-03T23:59:59-02:00", ("2027-03-04", "2027-03-01", "2027-03-01")),
        ("2027-01-01T00:00:00+00:00", ("2027-01-01", "2026-12-28", "2027-01-01")),
    ],
)
def test_periods_are_calendar_ones_in_utc(at: str, expected: tuple[str, ...]) -> None:
    assert begins(datetime.fromisoformat(at)) == expected


def test_spent_and_limits_of_each_scope() -> None:
    sums = [
        ((OF_PERIOD.name, "grok", "grok-4", "day", "2027-03-03"), 2.0),
        ((OF_PERIOD.name, "grok", "gpt-5", "day", "2027-03-03"), 1.0),
        ((OF_PERIOD.name, "gimai", "grok-4", "day", "2027-03-03"), 4.0),
        ((OF_PERIOD.name, "grok", "grok-4", "day", "2027-03-02"), 9.0),
        ((OF_PERIOD.name, "grok", "grok-4", "week", "2027-03-01"), 11.0),
        ((OF_PERIOD.name, "other", "grok-4", "month", "2027-03-01"), 5.0),
    ]
    budgets = some_budgets(
        fleet={"day": {"warn_at": 8, "stop_at": 10}},
        agents={"grok": {"day": {"stop_at": 3}}},
        models={"grok-4": {"month": {"warn_at": 7}}},
    )
    found = read_series(
        "".join(each.line() for each in budget_samples(spent_of(sums, NOON), budgets, "USD", NOON)).encode()
    )

    def spent(agent: str, model: str, period: str) -> float | None:
        return found.get(f'budget_spent{{agent="{agent}",model="{model}",period="{period}",currency="USD"}}')

    assert [spent("", "", period) for period in ("day", "week", "month")] == [7, 11, 5]
    assert (spent("grok", "", "day"), spent("gimai", "", "day"), spent("grok", "", "week")) == (3, 4, 11)
    assert (spent("", "grok-4", "day"), spent("", "gpt-5", "day"), spent("other", "", "month")) == (6, 1, None)
    limits = {name.split("{")[1]: value for name, value in found.items() if name.startswith("budget_limit")}
    assert limits == {
        'agent="",model="",period="day",at="warn"}': 8,
        'agent="",model="",period="day",at="stop"}': 10,
        'agent="grok",model="",period="day",at="stop"}': 3,
        'agent="",model="grok-4",period="month",at="warn"}': 7,
    }
    ends = [found[f'budget_period_end_timestamp_seconds{{period="{period}"}}'] for period in ("day", "week", "month")]
    midnight = datetime(2027, 3, 4, tzinfo=UTC).timestamp()
    assert ends == [midnight, midnight + 4 * DAY_SECONDS, datetime(2027, 4, 1, tzinfo=UTC).timestamp()]


class World:
    """A store, and the area that counts its logs, at a time that is set by hand."""

    def __init__(self, home: Path, brain: str | None = None) -> None:
        self.brain = brain
        self.home, self.clock, self.store = home, HandClock(NOON), Bucket(home / "bucket")
        self.lines: list[dict[str, object]] = []
        self.start()

    def start(self, shard: Shard = WHOLE) -> None:
        opened = context(self.clock, Cache(self.home / "cache.sqlite3"), home=self.home, shard=shard)
        opened = replace(opened, place=replace(opened.place, brain=self.brain))
        settings = opened.settings.model_copy(update={"prices": PRICES})
        self.out, shared = Refresh(logs.FAMILIES, Rejections(opened.health.reject)), SharedState()
        shared.known_agents = frozenset()
        self.area = LogsArea(self.store, replace(opened, settings=settings), shared)

    def ship(self, *records: tuple[float, str, Mapping[str, float]], agent: str = "grok") -> None:
        """Ship records now: when each was written, its model, and its tokens."""
        lines: list[dict[str, object]] = [
            {
                "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
                "agent_id": agent,
                "metadata": {"model_version": model, **tokens},
            }
            for at, model, tokens in records
        ]
        now = datetime.fromtimestamp(self.clock.now, UTC)
        key = f"db/active_logs/srv1/{now:%Y-%m-%d}/{now:%H%M%S}_{agent}_{len(self.lines)}.jsonl.gz"
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        self.store.lay(key, gzip.compress(body, mtime=0), self.clock.now)
        self.lines += lines

    def run(self, later: float = 60) -> dict[str, float]:
        self.clock.now += later
        self.area.refresh(self.out)
        return read_series(self.out.snapshot().plain)

    def spent(self, scope: str, period: str = "day") -> float | None:
        self.run(0)
        return read_series(self.out.snapshot().plain).get(f'budget_spent{{{scope},period="{period}",currency="USD"}}')


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.run()
    return made


def by_hand(lines: list[dict[str, object]]) -> dict[str, Decimal]:
    """The cost of each day by the raw lines, in exact numbers and by other code."""
    days: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        day, used = str(line["timestamp"])[:10], line["metadata"]
        assert isinstance(used, dict)
        if used["model_version"] == "grok-4":
            days[day] += Decimal(6) * used["tokens_used"]
        elif day < "2027-03-03":
            days[day] += used["input_tokens"] + Decimal(10) * used["output_tokens"] + Decimal("0.5") * M
        else:
            days[day] += 2 * used["input_tokens"] + Decimal(20) * used["output_tokens"]
    return {day: cost / M for day, cost in days.items()}


def test_the_cost_of_a_day_equals_that_of_its_raw_logs_to_the_cent(world: World) -> None:
    midnight = NOON - DAY_SECONDS / 2
    for number in range(40):
        used = {"input_tokens": 10_007 * number, "output_tokens": 977 * number}
        world.ship(
            (midnight - 7 * number - 1, "gpt-5", used),
            (midnight + 991 * number, "grok-4", {"tokens_used": 33_331 * number}),
            (midnight + 983 * number, "gpt-5", used),
        )
        world.run(11)
        if number == 20:
            world.start()
    days = by_hand(world.lines)
    found = world.spent('agent="grok",model=""')
    assert found is not None
    assert round(found, 2) == round(float(days["2027-03-03"]), 2) > 100
    total = sum(value for name, value in world.run().items() if name.startswith(COST.name))
    assert round(total, 2) == round(float(sum(days.values())), 2)


def test_a_day_that_is_over_counts_no_more_and_is_forgotten_later(world: World) -> None:
    world.ship((NOON, "grok-4", {"tokens_used": M}))
    world.run()
    assert world.spent('agent="grok",model=""') == 6
    world.run(DAY_SECONDS)
    assert (world.spent('agent="grok",model=""'), world.spent('agent="grok",model=""', "week")) == (None, 6)
    assert world.spent('agent="",model=""') == 0
    world.run(KEPT_DAYS["month"] * DAY_SECONDS)
    world.run()
    assert not list(world.area._ledger.totals.of_family(OF_PERIOD.name))
    with world.area._context.cache.transaction() as db:
        assert db.execute("SELECT count(*) FROM total WHERE series LIKE '%period_cost%'").fetchone() == (0,)


def test_tokens_of_a_model_without_a_price_are_counted_apart(world: World) -> None:
    world.ship((NOON, "nobody-s", {"tokens_used": 500}))
    world.run()
    found = world.run()
    assert found['agent_unpriced_tokens_total{agent="grok",model="nobody-s"}'] == 500
    assert not [name for name in found if name.startswith("agent_cost_total")]


def log_lines(at: float, tokens: int, times: int = 1) -> list[bytes]:
    """Records of calls of grok-4."""
    fields = {"timestamp": format_time(at), "agent_id": "grok", "level": "INFO", "category": "activity"}
    more = {"action": "call", "message": "", "metadata": {"model_version": "grok-4", "tokens_used": tokens}}
    return [json.dumps(fields | more).encode()] * times


def summarise(repository: Path, *days: tuple[str, list[bytes]]) -> None:
    bodies = {f"metrics/daily/{day}.json": summarise_day(day, lines).body() for day, lines in days}
    commit(repository, dict(bodies), branch="state")


@pytest.fixture
def restarted(tmp_path: Path) -> World:
    """An exporter with an empty cache on Wednesday; the agents have worked since the month before."""
    repository = tmp_path / "brain.git"
    commit(repository, {"config/monitoring.yaml": b"{}"})
    sunday, monday, tuesday = (NOON - days * DAY_SECONDS for days in (3, 2, 1))
    summarise(
        repository,
        ("2027-02-28", log_lines(sunday, 50 * M)),
        ("2027-03-01", log_lines(monday, 333_333, 3)),
        ("2027-03-02", log_lines(tuesday, M)),
    )
    return World(tmp_path, str(repository))


def test_with_an_empty_cache_week_and_month_have_the_days_before_by_their_summaries(restarted: World) -> None:
    restarted.run()
    for period, cost in {"day": 0, "week": 11.999994, "month": 11.999994}.items():
        assert restarted.spent('agent="",model=""', period) == pytest.approx(cost), period
    assert restarted.spent('agent="",model="grok-4"', "week") == pytest.approx(11.999994)
    assert restarted.spent('agent="grok",model=""', "week") is None, "a summary names no agent"
    restarted.ship((NOON - DAY_SECONDS, "grok-4", {"tokens_used": M // 2}), (NOON, "grok-4", {"tokens_used": M}))
    restarted.run()
    assert restarted.spent('agent="",model=""', "week") == pytest.approx(17.999994), "late logs are in the summary"


def test_the_day_of_the_start_is_whole_once_its_summary_is_there(restarted: World) -> None:
    restarted.run()
    restarted.ship((NOON + 60, "grok-4", {"tokens_used": M}))
    restarted.run()
    restarted.run(DAY_SECONDS)
    assert restarted.spent('agent="",model=""', "week") == pytest.approx(17.999994)
    summarise(restarted.home / "brain.git", ("2027-03-03", log_lines(NOON, M, 3)))
    restarted.run(3600)
    assert restarted.spent('agent="",model=""', "week") == pytest.approx(29.999994)
    restarted.start()
    restarted.run()
    assert restarted.spent('agent="",model=""', "month") == pytest.approx(29.999994)
    restarted.run(20 * DAY_SECONDS)
    assert restarted.spent('agent="",model=""', "week") == 0
    assert restarted.spent('agent="",model=""', "month") == pytest.approx(29.999994), "no later than its own logs"


def test_a_brain_that_is_away_or_a_damaged_summary_costs_only_itself(restarted: World) -> None:
    repository = restarted.home / "brain.git"
    commit(repository, {"metrics/daily/2027-03-02.json": b"{"}, branch="state")
    repository.rename(restarted.home / "away.git")
    repository.mkdir()
    (repository / "HEAD").touch()
    restarted.run()
    assert restarted.spent('agent="",model=""', "week") == 0
    (repository / "HEAD").unlink()
    repository.rmdir()
    (restarted.home / "away.git").rename(repository)
    restarted.run(3600)
    assert restarted.spent('agent="",model=""', "week") == pytest.approx(5.999994)


def test_of_several_exporters_one_adds_the_days_before(restarted: World) -> None:
    found = []
    for number in (1, 2):
        restarted.start(Shard(number, 2))
        restarted.run()
        found.append(restarted.spent('agent="",model=""', "week"))
    assert found == [pytest.approx(11.999994), 0]
