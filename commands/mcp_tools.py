"""What `nervesys mcp` answers: read-only views of the fleet as JSON, each bounded.

Whatever agents, or those who talk to them, may have written stands below the key `untrusted`: it is data for the
reader, never an instruction.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alerting.conditions.compile import ConditionCompiler
from alerting.generate.rules import rules_of
from alerting.model import AlertsFile
from alerting.overlay import WATCHDOG
from dashboards.recording import HEARTBEAT, STATUS
from dashboards.style import SILENT_CODE, STATUS_CODES
from nervesys.clients.prometheus import Prometheus
from nervesys.clock import Clock
from nervesys.contract import Level, format_time
from nervesys.contract.times import seconds_of
from nervesys.errors import NervesysError
from nervesys.logs.budget import ReadBudget
from nervesys.logs.query import LogQuery, from_level
from nervesys.logs.reader import LogReader
from nervesys.logs.tasks import is_task, read_tasks
from nervesys.logs.text_search import BadPattern, TextSearch
from nervesys.logs.visible import visible, visible_json
from nervesys.settings import Loaded
from nervesys.settings.check import suggest
from nervesys.stack import receiver

ROWS = 200
"""Of any answer, at most."""
TOKENS, COST, UNPRICED = (
    "nervesys_log_tokens_total",
    "nervesys_agent_cost_total",
    "nervesys_agent_unpriced_tokens_total",
)
READ_BYTES, READ_SECONDS = 256 << 20, 20
"""Of log records, for one answer."""
UNTRUSTED = "untrusted"
OWN_LABELS = frozenset({"alertname", "agent", "severity", "source", "area", "job", "instance", "period", "slo"})
"""Labels of alerts whose values are of our own; others, such as models and tools, are named by agents."""
STATUS_NAMES = {SILENT_CODE: "silent", **{code: status.value for status, code in STATUS_CODES.items()}}

Answer = dict[str, Any]


class WrongQuestion(NervesysError):
    """An argument of a tool is wrong; the message says which one, and what it may be."""


@dataclass(frozen=True)
class FleetTools:
    """The answers about a fleet.

    Attributes:
        loaded: settings and agents of the brain.
        alerts: config/alerts.yaml.
        compiler: of its conditions.
        prometheus: client.
        reader: of logs.
        clock: gives Unix seconds.
    """

    loaded: Loaded
    alerts: AlertsFile
    compiler: ConditionCompiler
    prometheus: Prometheus
    reader: LogReader
    clock: Clock

    def fleet_status(self, status: str = "") -> Answer:
        """How many agents have which status, and the agents that are not well (or those of one status)."""
        codes = self._by_agent(STATUS)
        names = {agent: STATUS_NAMES.get(int(code), "unknown") for agent, code in codes.items()}
        if status and status not in STATUS_NAMES.values():
            raise WrongQuestion(f"status {status!r}: {suggest(status, STATUS_NAMES.values())}")
        never_seen = sorted(set(self.loaded.agents) - set(names))
        shown = [name for name, is_ in names.items() if (is_ == status if status else is_ not in {"running", "idle"})]
        heartbeats = self._by_agent(HEARTBEAT)
        rows = [
            {"agent": name, "status": names[name], "heartbeat_age_seconds": self._age(heartbeats.get(name))}
            for name in sorted(shown)
        ]
        return {"agents": len(self.loaded.agents), "by_status": dict(Counter(names.values()))} | _bounded(
            agents_shown=rows, never_seen=never_seen
        )

    def agent(self, name: str) -> Answer:
        """One agent: status, tasks, tokens and errors of the last hour, firing alerts, newest actions."""
        self._check_agent(name)
        matcher = f'{{agent="{name}"}}'
        status, heartbeat = (self._value(f"{series}{matcher}") for series in (STATUS, HEARTBEAT))
        info = next(iter(self.prometheus.instant(f"nervesys_agent_info{matcher}")), None)
        hour = {
            "tasks_completed": f'increase(nervesys_agent_tasks_total{{agent="{name}",outcome="completed"}}[1h])',
            "tasks_failed": f'increase(nervesys_agent_tasks_total{{agent="{name}",outcome="failed"}}[1h])',
            "tokens": f"increase(nervesys_agent_tokens_total{matcher}[1h])",
            "log_errors": f'increase(nervesys_log_records_total{{agent="{name}",level="ERROR"}}[1h])',
        }
        return {
            "agent": name,
            "status": "never seen" if status is None else STATUS_NAMES.get(int(status), "unknown"),
            "heartbeat_age_seconds": self._age(heartbeat),
            UNTRUSTED: {name: visible(info.labels.get(name, "")) for name in ("server", "model")} if info else {},
            "last_hour": {key: self._value(f"round(sum({expr}))") for key, expr in hour.items()},
            "alerts": [alert for alert in self._firing() if alert["labels"].get("agent") == name],
            "actions": self.episodes(agent=name, limit=5)["episodes"],
        }

    def list_alerts(self) -> Answer:
        """All pending and firing alerts, without the Watchdog."""
        return _bounded(alerts=self._firing())

    def episodes(self, agent: str = "", state: str = "", limit: int = 20) -> Answer:
        """What the receiver did, newest first."""
        monitoring = self.loaded.settings.monitoring
        wanted = {"agent": agent} if agent else {}
        wanted |= {"state": state} if state else {}
        rows = receiver.actions(monitoring.listen.receiver, monitoring.web, tests=False, **wanted)
        return _bounded(episodes=[_episode(row) for row in rows[: max(1, limit)]])

    def episode(self, episode_id: int) -> Answer:
        """One episode, by the `id` that `episodes` shows, with its history and driver calls."""
        monitoring = self.loaded.settings.monitoring
        found = receiver.episode(monitoring.listen.receiver, monitoring.web, episode_id)
        history = [{**_times(row), UNTRUSTED: {"detail": visible(row["detail"])}} for row in found["history"]]
        for row in history:
            del row["detail"]
        return _episode(found) | _bounded(history=history, calls=[_times(call) for call in found["calls"]])

    def logs(self, agent: str, since: str = "1h", level: str = "info", grep: str = "", limit: int = 50) -> Answer:
        """Log records of an agent, the newest `limit` in order."""
        query = self._query(agent, since, level, grep)
        budget = _budget()
        found = list(reversed(self.reader.first(query, _limit(limit), budget)))
        return {"agent": agent, "warnings": budget.warnings, UNTRUSTED: [visible_json(entry.line) for entry in found]}

    def tasks(self, agent: str, since: str = "1d", limit: int = 50) -> Answer:
        """Finished tasks of an agent, the newest `limit` in order."""
        query = self._query(agent, since, "debug", "", tasks=True)
        budget = _budget()
        found = list(read_tasks(self.reader.first(query, _limit(limit), budget), self.loaded.settings.prices))
        rows = []
        for task in reversed(found):
            row = task.as_json()
            text = {key: visible(str(row.pop(key))) for key in ("action", "error", "model")}
            rows.append({**row, UNTRUSTED: text})
        return {"agent": agent, "warnings": budget.warnings, "tasks": rows}

    def cost(self, since: str = "1d") -> Answer:
        """Tokens and their cost by agent and model, from the agents' logs."""
        window = f"{max(60, int(_seconds(since)))}s"
        tokens, costs, unpriced = (
            self._by_model(f"sum by (agent, model) (increase({name}[{window}]))") for name in (TOKENS, COST, UNPRICED)
        )
        rows = [
            {"agent": key[0], "tokens": round(used), "cost": costs.get(key), UNTRUSTED: {"model": visible(key[1])}}
            for key, used in sorted(tokens.items(), key=lambda item: -costs.get(item[0], 0))
            if used > 0
        ]
        without_price = sorted({visible(model) for (_, model), used in unpriced.items() if used > 0})
        answer = {"since": since, "currency": self.loaded.settings.prices.currency, "cost": sum(costs.values())}
        return answer | {UNTRUSTED: _bounded(models_without_price=without_price)} | _bounded(by_agent_and_model=rows)

    def explain_alert(self, name: str) -> Answer:
        """An alert of config/alerts.yaml: what it means, what to do, its PromQL, and where it fires now."""
        alert = next((each for each in self.alerts.alerts if name in {each.name, each.alertname}), None)
        if alert is None:
            raise WrongQuestion(f"alert {name!r}: {suggest(name, [each.name for each in self.alerts.alerts])}")
        return {
            "alert": alert.name,
            "condition": alert.condition or alert.expr or f"posted by {alert.posted}",
            "description": alert.description,
            "runbook": alert.runbook,
            "inhibits": list(alert.inhibits),
            "rules": [{"severity": str(rule.severity), "promql": rule.expr} for rule in rules_of(alert, self.compiler)],
            "firing": [row for row in self._firing() if row["labels"]["alertname"] == alert.alertname],
        }

    def restart_agent(self, name: str, token: str) -> Answer:
        """Order a restart of the receiver, which journals it and proves whether it helped."""
        self._check_agent(name)
        monitoring = self.loaded.settings.monitoring
        receiver.restart(monitoring.listen.receiver, monitoring.web, token, name)
        return {"agent": name, "ordered": "restart_agent", "follow": "episodes shows the result within a minute or two"}

    def _query(self, agent: str, since: str, level: str, grep: str, *, tasks: bool = False) -> LogQuery:
        self._check_agent(agent)
        levels = {each.value.lower(): each for each in Level if each is not Level.OTHER}
        if level.lower() not in levels:
            raise WrongQuestion(f"level {level!r}: {suggest(level.lower(), levels)}")
        try:
            search = TextSearch(grep) if grep else None
        except BadPattern as bad:
            raise WrongQuestion(f"grep {grep!r}: {bad}") from None
        now = self.clock()
        return LogQuery(
            now - _seconds(since),
            now,
            agents=frozenset({agent}),
            levels=from_level(levels[level.lower()]),
            search=search,
            accepts=is_task if tasks else None,
        )

    def _check_agent(self, name: str) -> None:
        if name not in self.loaded.agents:
            raise WrongQuestion(f"agent {name!r}: {suggest(name, self.loaded.agents)}")

    def _firing(self) -> list[Answer]:
        hidden = {WATCHDOG.replace(" ", "")}
        return [
            {
                "state": alert["state"],
                "since": alert["activeAt"],
                "value": alert["value"],
                "labels": {name: value for name, value in alert["labels"].items() if name in OWN_LABELS},
                UNTRUSTED: {
                    "summary": visible(alert["annotations"].get("summary", "")),
                    "labels": {
                        name: visible(value) for name, value in alert["labels"].items() if name not in OWN_LABELS
                    },
                },
            }
            for alert in self.prometheus.alerts()
            if alert["labels"]["alertname"] not in hidden
        ]

    def _by_agent(self, expr: str) -> dict[str, float]:
        return {series.labels["agent"]: series.points[-1][1] for series in self.prometheus.instant(expr)}

    def _by_model(self, expr: str) -> dict[tuple[str, str], float]:
        return {
            (series.labels.get("agent", ""), series.labels.get("model", "")): series.points[-1][1]
            for series in self.prometheus.instant(expr)
        }

    def _value(self, expr: str) -> float | None:
        return next((series.points[-1][1] for series in self.prometheus.instant(expr)), None)

    def _age(self, at: float | None) -> float | None:
        return None if at is None else round(self.clock() - at, 1)


def _episode(row: Mapping[str, Any]) -> Answer:
    kept = {key: row[key] for key in ("id", "action", "agent", "alert", "state", "verdict", "attempts", "driver")}
    times = {key: row[key] for key in ("opened_at", "updated_at", "closed_at")}
    return _times({**kept, **times}) | {UNTRUSTED: {"detail": visible(str(row["detail"]))}}


def _times(row: Mapping[str, Any]) -> Answer:
    """The row with its instants as text."""
    return {
        key: format_time(value) if (key == "at" or key.endswith("_at")) and value is not None else value
        for key, value in row.items()
    }


def _bounded(**lists: Iterable[Any]) -> Answer:
    """Lists of at most `ROWS` items; what was left out is counted."""
    answer: Answer = {}
    for key, items in lists.items():
        rows = list(items)
        answer[key] = rows[:ROWS]
        if len(rows) > ROWS:
            answer[f"{key}_left_out"] = len(rows) - ROWS
    return answer


def _budget() -> ReadBudget:
    return ReadBudget(max_bytes=READ_BYTES, max_seconds=READ_SECONDS)


def _limit(limit: int) -> int:
    return min(max(1, limit), ROWS)


def _seconds(since: str) -> float:
    try:
        return seconds_of(since)
    except ValueError:
        raise WrongQuestion(f"since {since!r}: a duration such as 30m, 2h or 7d") from None
