"""Three days of a made-up fleet, as raw as its pillars hold them: samples, log lines, commits, summaries.

Tests compute each number of a report from these lists, minute by minute and line by line, and never by the code under
test. The day that is reported is MONDAY's next; on it grok was away, the exporter was blind for a while, and one agent
was configured and never came.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from dashboards.recording import STATUS
from dashboards.slo_rules import ATTAINED, BUDGET, LENGTH, REMAINING
from dashboards.style import SILENT_CODE, STATUS_CODES
from nervesys.contract import Status

MINUTE, HOUR, DAY = 60, 3600, 86_400
MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)
AGENTS = ("deepseek", "gimai", "grok", "new-one")
BEATING = AGENTS[:3]
SCRAPE = 60
FRESH, DOWN_AFTER = 60, 300
SLOW, SLOW_DOWN_AFTER = "deepseek", 900
HEBREW = "שגיאה: לא ניתן לפתוח את הקובץ"

Labels = tuple[tuple[str, str], ...]
Sample = tuple[int, float]


def at(day: date, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    """Unix seconds."""
    return int(datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC).timestamp())


START, END = at(MONDAY) - 2 * HOUR, at(WEDNESDAY, 6)
AWAY = {
    "grok": [(at(TUESDAY, 2, 10), at(TUESDAY, 2, 41)), (at(MONDAY, 7), at(MONDAY, 7, 20))],
    "deepseek": [(at(TUESDAY, 9), at(TUESDAY, 9, 12))],  # slow, and allowed to be
}
BLIND = (at(TUESDAY, 12), at(TUESDAY, 12, 30))
UNCONFIGURED = (at(TUESDAY), at(TUESDAY, 6))
"""In which new-one did not yet belong to the fleet."""
ALERTS: tuple[tuple[dict[str, str], int, int], ...] = (
    (
        {"alertname": "AgentDown", "severity": "critical", "agent": "grok"},
        at(TUESDAY, 2, 15, 10),
        at(TUESDAY, 2, 43, 40),
    ),
    ({"alertname": "AgentDown", "severity": "critical", "agent": "grok"}, at(MONDAY, 7, 5), at(MONDAY, 7, 22)),
    ({"alertname": "HighCpu", "severity": "warning", "server": "alpha"}, at(TUESDAY, 23, 40), at(WEDNESDAY, 0, 25)),
    ({"alertname": "HighCpu", "severity": "warning", "server": "alpha"}, at(TUESDAY, 15), at(TUESDAY, 15, 7)),
    ({"alertname": "Watchdog", "severity": "none"}, START, END),
    (
        {"alertname": "AgentDown", "severity": "critical", "agent": "grok", "nervesys_test": "true"},
        at(TUESDAY, 4),
        at(TUESDAY, 5),
    ),
    ({"alertname": "BackupMissing", "severity": "warning", "area": "backups"}, at(TUESDAY, 20), END),
)
ACTION_EVENTS = (
    ("grok", "restart_agent", "running", at(TUESDAY, 2, 16)),
    ("grok", "restart_agent", "running", at(TUESDAY, 2, 28)),
    ("grok", "restart_agent", "recovered", at(TUESDAY, 2, 42)),
    ("grok", "restart_agent", "running", at(MONDAY, 7, 6)),
    ("grok", "restart_agent", "recovered", at(MONDAY, 7, 20)),
    ("grok", "log_to", "succeeded", at(TUESDAY, 2, 16)),
)
RECEIVER_RESTARTED = at(TUESDAY, 1)
"""Its counters begin again at 0."""
MODELS = {"grok": "grok-4", "gimai": "gimai-2", "deepseek": "house-model"}


@dataclass
class FleetData:
    """What the pillars hold."""

    series: dict[str, dict[Labels, list[Sample]]] = field(default_factory=lambda: defaultdict(dict))
    logs: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """Records by (server, date)."""

    def put(self, name: str, labels: dict[str, str], samples: list[Sample]) -> None:
        self.series[name][tuple(sorted(labels.items()))] = samples

    def openmetrics(self) -> str:
        """All samples as OpenMetrics text."""
        lines = []
        for name, of_name in sorted(self.series.items()):
            for labels, samples in sorted(of_name.items()):
                text = ",".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in labels)
                lines += [f"{name}{{{text}}} {value:.17g} {when}\n" for when, value in samples]
        return "".join(lines) + "# EOF\n"

    def objects(self) -> Iterator[tuple[str, str, bytes]]:
        """Server, date and the body of one log object each."""
        for (server, day), records in sorted(self.logs.items()):
            yield (
                server,
                day,
                gzip.compress(b"".join(json.dumps(record).encode() + b"\n" for record in records), mtime=0),
            )


def inside(when: float, spans: list[tuple[int, int]]) -> bool:
    return any(start <= when < end for start, end in spans)


def past() -> FleetData:
    """The three days; the same at every call."""
    made = FleetData()
    times = range(START, END, SCRAPE)
    seen = [when for when in times if not inside(when, [BLIND])]
    store = {"source": "store", "area": "agents", "job": "store"}
    frozen = {when: when if when not in range(*BLIND) else BLIND[0] - SCRAPE for when in times}
    made.put("nervesys_exporter_last_success_timestamp_seconds", store, [(when, frozen[when]) for when in times])
    other = {**store, "shard": "2/2"}  # it could see, but not those that the first reads
    made.put("nervesys_exporter_last_success_timestamp_seconds", other, [(when, when) for when in times])
    for agent in BEATING:
        beats = [when for when in range(START, END, MINUTE) if not inside(when, AWAY.get(agent, []))]
        made.put("nervesys_agent_heartbeat_timestamp_seconds", {"agent": agent}, _newest(beats, times, frozen))
        made.put(
            "nervesys_agent_info", {"agent": agent, "server": "alpha", "model": MODELS[agent]}, [(w, 1) for w in times]
        )
        for status in ("running", "idle"):
            here = [
                (w, float(status == ("running" if w // HOUR % 3 else "idle")))
                for w in seen
                if not inside(w, AWAY.get(agent, []))
            ]
            made.put("nervesys_agent_status", {"agent": agent, "status": status}, here)
        codes = [STATUS_CODES[Status.RUNNING if w // HOUR % 3 else Status.IDLE] for w in times]
        away = [inside(w, AWAY.get(agent, [])) for w in times]
        recorded = [(w, float(SILENT_CODE if gone else code)) for w, code, gone in zip(times, codes, away, strict=True)]
        made.put(STATUS, {"agent": agent}, recorded)  # as the recording rule would have
    for agent in AGENTS:
        member = [w for w in times if agent != "new-one" or w >= UNCONFIGURED[1]]
        made.put("nervesys_brain_agent_info", {"agent": agent, "role": "worker"}, [(w, 1) for w in member])
    _alerts(made)
    _actions(made, times)
    for place, area, first, speed in (
        ("store", "active_logs", 5e8, 900),
        ("store", "agents", 4e3, 0),
        ("archive", "logs", 7e9, 1200),
    ):
        rising = [(w, float(round(first + speed * (w - START)))) for w in times if w % 300 == 0]
        made.put(f"nervesys_{place}_bytes", {"area": area}, rising)
    for slo, agent, attained, left in (("fleet availability", "", 0.998, 0.6), ("task success", "grok", 0.8, -1.0)):
        constants = {BUDGET: 0.005 if slo == "fleet availability" else 0.1, LENGTH: 30 * 86400.0}
        for name, value in constants.items():
            made.put(name, {"slo": slo}, [(w, value) for w in times])
        labels = {"slo": slo} | ({"agent": agent} if agent else {})
        for name, value in ((ATTAINED, attained), (REMAINING, left)):
            made.put(name, labels, [(w, value) for w in times])
    made.put("nervesys_server_cpu_ratio", {"server": "alpha"}, [(w, 0.3 + 0.2 * (w // HOUR % 4) / 4) for w in times])
    _logs(made)
    return made


def _newest(beats: list[int], times: range, frozen: dict[int, int]) -> list[Sample]:
    samples, place = [], 0
    for when in times:
        while place + 1 < len(beats) and beats[place + 1] <= frozen[when]:
            place += 1
        samples.append((when, float(beats[place])))
    return samples


def _alerts(made: FleetData) -> None:
    firing: dict[Labels, list[Sample]] = defaultdict(list)
    for labels, start, end in ALERTS:
        key = tuple(sorted({**labels, "alertstate": "firing"}.items()))
        firing[key] += [(when, 1.0) for when in range(start - start % 15 + 15, end, 15)]
    for key, samples in firing.items():
        made.series["ALERTS"][key] = sorted(samples)


def _actions(made: FleetData, times: range) -> None:
    for agent, action, state in {event[:3] for event in ACTION_EVENTS} | {("gimai", "restart_agent", "running")}:
        entered = [event[3] for event in ACTION_EVENTS if event[:3] == (agent, action, state)]
        counts = [
            (w, float(sum((when < RECEIVER_RESTARTED) == (w < RECEIVER_RESTARTED) and when <= w for when in entered)))
            for w in times
        ]
        made.put(
            "nervesys_actions_total", {"agent": agent, "action": action, "state": state, "job": "receiver"}, counts
        )


def _logs(made: FleetData) -> None:
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        for number, agent in enumerate(BEATING):
            jobs = 40 + 10 * number + 7 * (day == TUESDAY)
            for job in range(jobs):
                wrong = job % 13 == 5
                record = {
                    "timestamp": _time(at(day, 1) + job * 1000 + number * 17),
                    "agent_id": agent,
                    "level": "ERROR" if wrong else "INFO",
                    "category": "errors" if wrong else "activity",
                    "action": "code_review",
                    "message": _error(job) if wrong else "code_review done",
                    "context": {"duration_ms": 100 + job},
                    "metadata": {"model_version": MODELS[agent], "tokens_used": 50_000 + 999 * job},
                }
                server = "alpha" if number < 2 else "beta.example.org"
                made.logs[server, str(day)].append(record)
            made.logs["alpha", str(day)].append(
                {"timestamp": _time(at(day, 0, 30)), "agent_id": agent, "category": "system", "message": "agent starts"}
            )
    grok = {"agent_id": "grok", "level": "ERROR", "category": "errors", "action": "loop"}
    for second, message in ((0, "out of memory: 512 MB asked"), (0, "out of memory: 512 MB asked"), (4, HEBREW)):
        made.logs["beta.example.org", str(TUESDAY)].append(
            {**grok, "timestamp": _time(at(TUESDAY, 2, 9, second)), "message": message}
        )


def _error(job: int) -> str:
    return f"the model did not answer in {job} s" if job % 2 else f"push of {job:07x}a refused"


def _time(when: int) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
