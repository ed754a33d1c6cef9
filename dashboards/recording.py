"""Recording rules: what pages ask of every agent at every step, worked out once as the data come.

Names are `level:metric:operation`, as Prometheus' own guide has them.
"""

from dashboards.correct import Json
from dashboards.style import SILENT, STATUS_CODES
from nervesys.metrics import Period
from nervesys.promql import Known

FILE = "prometheus/rules/recording.yml"
STATUS = "agent:nervesys_agent_status:code"
"""What each agent is, by its code in `dashboards.style`; a silent one is silent for as long as it is known of."""
RECORDED = {STATUS: Known(counter=False, period=Period.SCRAPE, labels=frozenset({"agent"}))}
"""What is known of the recorded series."""


def configured(expr: str) -> str:
    """The expression without agents that were taken out of the brain; an unreachable brain takes out none."""
    return f"({expr} and on (agent) last_over_time(nervesys_brain_agent_configured[1h]))"


def rules() -> Json:
    """The file, as Prometheus loads it."""
    said = " or ".join(
        f'{code} * (nervesys_agent_status{{status="{word}"}} == 1)' for word, code in STATUS_CODES.items()
    )
    silent = f"{SILENT} * max by (agent) (nervesys_agent_heartbeat_timestamp_seconds)"
    status = {"record": STATUS, "expr": configured(f"(max by (agent) ({said}) or {silent})")}
    return {"groups": [{"name": "dashboards", "rules": [status]}]}
