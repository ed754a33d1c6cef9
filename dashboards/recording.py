"""Recording rules: what pages ask of every agent, worked out once as the data come.

Names are `level:metric:operation`, as Prometheus' own guide has them. A rate is named after its window, which spans
four periods of its counter, so it follows the settings: where those change, its lines begin anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.correct import Json
from dashboards.style import SILENT, STATUS_CODES, duration
from nervesys.metrics import Period
from nervesys.metrics.periods import WINDOW_PERIODS, Periods
from nervesys.promql import Known

FILE = "prometheus/rules/recording.yml"
STATUS = "agent:nervesys_agent_status:code"
"""What each agent is, by its code in `dashboards.style`; a silent one is silent for as long as it is known of."""
HEARTBEAT = "agent:nervesys_agent_heartbeat_timestamp_seconds:max"
"""When each agent of the brain last wrote its state."""


@dataclass(frozen=True)
class Rate:
    """How fast a counter grows for each agent, per second.

    Attributes:
        metric: its name in the middle of the series' name.
        counter: selector of what is counted.
        period: of the counter's family.
    """

    metric: str
    counter: str
    period: Period

    def series(self, periods: Periods) -> str:
        """The name under which it is recorded."""
        return f"agent:{self.metric}:rate{self._window(periods)}"

    def expr(self, periods: Periods) -> str:
        """What is recorded."""
        return f"sum by (agent) (rate({self.counter}[{self._window(periods)}]))"

    def _window(self, periods: Periods) -> str:
        return duration(WINDOW_PERIODS * periods[self.period])


TASKS = Rate("nervesys_agent_tasks", "nervesys_agent_tasks_total", Period.HEARTBEAT)
TOKENS = Rate("nervesys_agent_tokens", "nervesys_agent_tokens_total", Period.HEARTBEAT)
ERRORS = Rate("nervesys_log_errors", 'nervesys_log_records_total{level="ERROR"}', Period.SHIP)
RATES = (TASKS, TOKENS, ERRORS)


def recorded(periods: Periods) -> Mapping[str, Known]:
    """What is known of the recorded series, by name."""
    labels = frozenset({"agent"})
    states = dict.fromkeys((STATUS, HEARTBEAT), Known(counter=False, period=Period.SCRAPE, labels=labels))
    rates = (rate.series(periods) for rate in RATES)
    return states | dict.fromkeys(rates, Known(counter=False, period=Period.HEARTBEAT, labels=labels))


def rules(periods: Periods) -> Json:
    """The file, as Prometheus loads it: states at each evaluation, rates at each heartbeat, for none is newer.

    Args:
        periods: of the families, in seconds.
    """
    states = {STATUS: _configured(_status()), HEARTBEAT: _configured(_heartbeat())}
    rates = {rate.series(periods): rate.expr(periods) for rate in RATES}
    return {
        "groups": [
            {"name": "agent-states", "rules": _rules(states)},
            {"name": "agent-rates", "interval": duration(periods[Period.HEARTBEAT]), "rules": _rules(rates)},
        ]
    }


def _rules(exprs: Mapping[str, str]) -> list[Json]:
    return [{"record": name, "expr": expr} for name, expr in exprs.items()]


def _status() -> str:
    said = " or ".join(
        f'{code} * (nervesys_agent_status{{status="{word}"}} == 1)' for word, code in STATUS_CODES.items()
    )
    return f"(max by (agent) ({said}) or {SILENT} * {_heartbeat()})"


def _heartbeat() -> str:
    return "max by (agent) (nervesys_agent_heartbeat_timestamp_seconds)"


def _configured(expr: str) -> str:
    """The expression without agents that were taken out of the brain; an unreachable brain takes out none."""
    return f"{expr} and on (agent) last_over_time(nervesys_brain_agent_configured[1h])"
