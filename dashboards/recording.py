"""Recording rules: what pages query for every agent, evaluated once as the data arrive.

Names are `level:metric:operation`, as in Prometheus' guide. Increases have their window in their name, and the window
follows the settings: if those change, new series begin.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dashboards.grafana_json import Json
from dashboards.style import FIRST_HEALTHY_CODE, SILENT_CODE, STATUS_CODES, duration
from nervesys.clients.promql import KnownSeries
from nervesys.metrics import Period
from nervesys.metrics.family import HISTORY
from nervesys.metrics.periods import WINDOW_PERIODS, Periods

FILE = "prometheus/rules/recording.yml"
STATUS = "agent:nervesys_agent_status:code"
"""Status of each agent, by its code in `dashboards.style`; silent until the agent is removed from the brain."""
TROUBLE = "agent:nervesys_agent_trouble:code"
"""The same, only for agents that are not running or idle: few series, so sums over long ranges are fast."""
HEARTBEAT = "agent:nervesys_agent_heartbeat_timestamp_seconds:max"
"""When each agent of the brain last wrote its state."""

MEMORY = "1h"
"""Longest gap of a counter whose increase still counts when the counter comes back."""


@dataclass(frozen=True)
class CounterIncrease:
    """The increase of a counter in each window; windows are adjacent, so those of a day add up to the day.

    It is the difference of two instants, not `increase`, which extrapolates to the edges of the window.

    Attributes:
        counter: its name, or that of a histogram's buckets.
        labels: that are kept.
        period: of the counter's family.
        rare: rarely grows; recorded only when it grew, at each heartbeat. Others are recorded at each fourth.
    """

    counter: str
    labels: tuple[str, ...]
    period: Period
    rare: bool = False

    def window(self, periods: Periods) -> float:
        """Over which it is recorded, in seconds."""
        return (1 if self.rare else WINDOW_PERIODS) * periods[Period.HEARTBEAT]

    def series(self, periods: Periods) -> str:
        """The name under which it is recorded."""
        return f"{'_'.join(self.labels)}:{self.counter.removesuffix('_total')}:increase{duration(self.window(periods))}"

    def expr(self, periods: Periods) -> str:
        """The recorded expression, up to the last scrape but one: rules may be evaluated before the last is stored.

        A new counter counts from its first value; after a reset, a counter counts from 0.
        """
        live, late, span = f'{self.counter}{{job!="{HISTORY}"}}', periods[Period.SCRAPE], self.window(periods)
        now = f"last_over_time({live}[{duration(span)}] offset {duration(late)})"
        before = f"last_over_time({live}[{MEMORY}] offset {duration(late + span)})"
        first = f"min_over_time({live}[{duration(span)}] offset {duration(late)})"
        grown = f"sum by ({', '.join(self.labels)}) ({now} - ({before} or {first}) >= 0 or {now})"
        return f"{grown} > 0" if self.rare else grown

    def total(self, periods: Periods, matchers: str, span: str) -> str:
        """PromQL for how much it grew in a span of time, such as `[1d]`."""
        return f"sum_over_time({self.series(periods)}{{{matchers}}}{span})"

    def total_with_history(self, periods: Periods, matchers: str, span: str) -> str:
        """PromQL for the same over months, including backfilled history; the caller sums both series."""
        return f"{self.total(periods, matchers, span)} or increase({self._backfilled_series(matchers)}{span})"

    def per_minute(self, periods: Periods, matchers: str = "", by: str = "") -> str:
        """PromQL for how fast it grew at each point of a graph, at whatever time."""
        mean = f"avg_over_time({self.series(periods)}{{{matchers}}}[$__rate_interval])"
        per_minute_history = f"rate({self._backfilled_series(matchers)}[$__rate_interval])"
        return f"sum by ({by}) ({60 / self.window(periods):g} * {mean} or 60 * {per_minute_history})"

    def _backfilled_series(self, matchers: str) -> str:
        of_history = f'job="{HISTORY}"'
        return f"{self.counter}{{{f'{matchers}, {of_history}' if matchers else of_history}}}"


TASKS = CounterIncrease("nervesys_agent_tasks_total", ("agent", "outcome"), Period.HEARTBEAT)
TOKENS = CounterIncrease("nervesys_agent_tokens_total", ("agent",), Period.HEARTBEAT)
RECORDS = CounterIncrease("nervesys_log_records_total", ("agent", "level"), Period.SHIP)
TOKENS_OF_MODELS = CounterIncrease("nervesys_log_tokens_total", ("agent", "model"), Period.SHIP)
COSTS = CounterIncrease("nervesys_agent_cost_total", ("agent", "model"), Period.SHIP)
CALL_DURATIONS = CounterIncrease("nervesys_gen_ai_operation_duration_seconds_bucket", ("agent", "le"), Period.SHIP)
DURATIONS = CounterIncrease("nervesys_log_action_duration_seconds_bucket", ("agent", "le"), Period.SHIP)
TASKS_OF_FLEET = CounterIncrease("nervesys_agent_tasks_total", ("outcome",), Period.HEARTBEAT)
RECORDS_OF_FLEET = CounterIncrease("nervesys_log_records_total", ("category", "level"), Period.SHIP)
TOKENS_OF_FLEET = CounterIncrease("nervesys_log_tokens_total", ("model",), Period.SHIP)
ACTIONS = CounterIncrease("nervesys_actions_total", ("agent", "action", "state"), Period.SCRAPE, rare=True)
INCREASES = (
    TASKS,
    TOKENS,
    RECORDS,
    TOKENS_OF_MODELS,
    COSTS,
    DURATIONS,
    CALL_DURATIONS,
    ACTIONS,
    TASKS_OF_FLEET,
    RECORDS_OF_FLEET,
    TOKENS_OF_FLEET,
)


def recorded_series(periods: Periods) -> Mapping[str, KnownSeries]:
    """Type, period and labels of the recorded series, by name."""
    state = KnownSeries(counter=False, period=Period.SCRAPE, labels=frozenset({"agent"}))
    increases = {
        increase.series(periods): KnownSeries(False, increase.period, frozenset(increase.labels))
        for increase in INCREASES
    }
    return {STATUS: state, TROUBLE: state, HEARTBEAT: state, **increases}


def rules(periods: Periods) -> Json:
    """The file, as Prometheus loads it: states at each evaluation, and what counters grew by once a window.

    Args:
        periods: of the families, in seconds.
    """
    states = {
        STATUS: _configured(_status()),
        TROUBLE: f"{STATUS} < {FIRST_HEALTHY_CODE}",
        HEARTBEAT: _configured(_heartbeat()),
    }
    return {"groups": [{"name": "agent-states", "rules": _rules(states)}, *_increases(periods)]}


def _increases(periods: Periods) -> Iterator[Json]:
    for every in sorted({increase.window(periods) for increase in INCREASES}):
        increases = {
            increase.series(periods): increase.expr(periods)
            for increase in INCREASES
            if increase.window(periods) == every
        }
        yield {"name": f"increases-{duration(every)}", "interval": duration(every), "rules": _rules(increases)}


def _rules(exprs: Mapping[str, str]) -> list[Json]:
    return [{"record": name, "expr": expr} for name, expr in exprs.items()]


def _status() -> str:
    statuses = " or ".join(
        f'{code} * (nervesys_agent_status{{status="{word}"}} == 1)' for word, code in STATUS_CODES.items()
    )
    return f"(max by (agent) ({statuses}) or {SILENT_CODE} * {_heartbeat()})"


def _heartbeat() -> str:
    return "max by (agent) (nervesys_agent_heartbeat_timestamp_seconds)"


def _configured(expr: str) -> str:
    """The expression without agents that were taken out of the brain; an unreachable brain takes out none."""
    return f"{expr} and on (agent) last_over_time(nervesys_brain_agent_info[1h])"
