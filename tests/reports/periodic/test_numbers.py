"""Every number of a report, against the same number worked out another way from the raw samples, lines and commits.

What is worked out here goes minute by minute and line by line, and shares no code with the reports.

Covers: reports.periodic.answers, reports.periodic.availability, reports.periodic.compose, reports.periodic.facts,
reports.periodic.figures, reports.periodic.gather, reports.periodic.incidents, reports.periodic.model,
reports.periodic.objectives, reports.periodic.sections.
"""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import pytest

from nervesys.clients.prometheus import Series
from nervesys.settings import load
from nervesys.stores.brain import GitBrain
from reports.periodic.availability import AgentAvailability, available_query, monitored_query
from reports.periodic.compose import report_of
from reports.periodic.facts import Facts
from reports.periodic.incidents import ActionEvent, incidents
from reports.periodic.log_totals import LogTotals
from reports.periodic.model import PeriodicReport, Tone, Value
from reports.periodic.period import Frequency, ReportPeriod
from tests.brains import write
from tests.reports.periodic.conftest import ANALYSIS, World
from tests.reports.periodic.fleet_data import (
    ACTION_EVENTS,
    AGENTS,
    ALERTS,
    DAY,
    DOWN_AFTER,
    FRESH,
    HEBREW,
    MINUTE,
    MONDAY,
    SLOW,
    SLOW_DOWN_AFTER,
    TUESDAY,
    WEDNESDAY,
    FleetData,
    Sample,
    at,
)

PRICES = {"grok-4": 6 / 1e6, "gimai-2": 2.5 / 1e6}
LOOKBACK = 300
"""For so long Prometheus shows the newest sample, in seconds."""


@pytest.fixture(scope="module")
def facts(world: World, executor: ThreadPoolExecutor) -> Facts:
    return world.sources(executor).facts(ReportPeriod.containing(Frequency.DAILY, TUESDAY), lambda _: None)


@pytest.fixture(scope="module")
def report(facts: Facts) -> PeriodicReport:
    return report_of(facts)


@pytest.fixture(scope="module")
def weekly(world: World, executor: ThreadPoolExecutor) -> PeriodicReport:
    return report_of(world.sources(executor).facts(ReportPeriod.containing(Frequency.WEEKLY, TUESDAY), lambda _: None))


def rows(report: PeriodicReport, title: str) -> list[tuple[Value, ...]]:
    section = next(section for section in report.sections if section.title == title)
    assert section.table
    return [row.values for row in section.table.rows]


def figure(report: PeriodicReport, title: str) -> tuple[float | None, float | None]:
    found = next(figure for figure in report.figures if figure.title == title)
    return found.value, found.before


# --- Availability, minute by minute over the raw samples -------------------------------------------------------------


def shown(samples: Iterable[Sample], when: int) -> float | None:
    """What Prometheus shows at an instant."""
    newest = [value for stamp, value in samples if when - LOOKBACK < stamp <= when]
    return newest[-1] if newest else None


def minutes(raw: FleetData, agent: str, day: date) -> tuple[int, int]:
    """Good minutes, and those that count."""
    read = next(iter(raw.series["nervesys_exporter_last_success_timestamp_seconds"].values()))
    member = raw.series["nervesys_brain_agent_info"][("agent", agent), ("role", "worker")]
    beats = raw.series["nervesys_agent_heartbeat_timestamp_seconds"].get((("agent", agent),), [])
    limit = SLOW_DOWN_AFTER if agent == SLOW else DOWN_AFTER
    begin = at(day) - LOOKBACK
    read, member, beats = (
        [sample for sample in of if begin <= sample[0] < at(day) + DAY] for of in (read, member, beats)
    )
    good = counted = 0
    for when in range(at(day), at(day) + DAY, MINUTE):
        near = [[sample for sample in of if when - LOOKBACK < sample[0] <= when] for of in (read, member, beats)]
        success, configured, beat = (shown(of, when) for of in near)
        if success is None or when - success >= FRESH or configured is None:
            continue
        counted += 1
        good += beat is not None and when - beat <= limit
    return good, counted


@pytest.fixture(scope="module")
def minutes_by_agent(world: World) -> dict[tuple[str, date], tuple[int, int]]:
    return {(agent, day): minutes(world.raw, agent, day) for agent in AGENTS for day in (MONDAY, TUESDAY, WEDNESDAY)}


def test_availability_of_each_agent(
    report: PeriodicReport, minutes_by_agent: dict[tuple[str, date], tuple[int, int]]
) -> None:
    table = {row[0]: row[1:] for row in rows(report, "Availability")}
    assert table.keys() == set(AGENTS)
    for agent in AGENTS:
        good, counted = minutes_by_agent[agent, TUESDAY]
        good_before, counted_before = minutes_by_agent[agent, MONDAY]
        before = good_before / counted_before if counted_before else None
        assert table[agent] == (good / counted, before, (counted - good) * MINUTE, counted * MINUTE), agent
    assert rows(report, "Availability")[0][0] == "new-one", "the worst comes first"
    assert table["gimai"][0] == table["deepseek"][0] == 1, "a blind exporter is no outage, a slow agent is not away"


def test_availability_of_the_fleet(
    report: PeriodicReport, weekly: PeriodicReport, minutes_by_agent: dict[tuple[str, date], tuple[int, int]]
) -> None:
    def share(*days: date) -> float:
        sums = [minutes_by_agent[agent, day] for agent in AGENTS for day in days]
        return sum(good for good, _ in sums) / sum(counted for _, counted in sums)

    assert figure(report, "Availability") == (share(TUESDAY), share(MONDAY))
    assert figure(weekly, "Availability")[0] == share(MONDAY, TUESDAY, WEDNESDAY)


# --- Incidents, by the instants at which alerts were made to fire ----------------------------------------------------


def fired(start: int, end: int) -> list[tuple[str, str, int, int]]:
    """Name, subject, first minute and last of what fired in a period; tests and the Watchdog are none of it."""
    found = []
    for labels, first, last in ALERTS:
        stamps = range(first - first % 15 + 15, last, 15)
        began, ended = (stamps[0] - 1) // MINUTE * MINUTE, -(-stamps[-1] // MINUTE) * MINUTE
        if labels["severity"] != "none" and "nervesys_test" not in labels and began < end and ended > start:
            subject = labels.get("agent") or labels.get("server") or f"area {labels['area']}"
            found.append((labels["alertname"], subject, began, ended))
    return sorted(found, key=lambda fire: fire[2])


def test_incidents_with_time_to_recovery_action_and_cause(report: PeriodicReport) -> None:
    expected = fired(at(TUESDAY), at(WEDNESDAY))
    table = rows(report, "Incidents")
    assert [(row[0], row[1], row[3]) for row in table] == [fire[:3] for fire in expected]
    for row, (alert, _, began, ended) in zip(table, expected, strict=True):
        assert row[4] == ("still firing" if alert == "BackupMissing" else ended - began), alert
    down = next(row for row in table if row[0] == "AgentDown")
    assert down[2] == "critical"
    assert down[5] == "restart_agent: running \N{MULTIPLICATION SIGN} 2, recovered"
    assert down[6] == HEBREW, "the newest error of the half hour before"
    assert all(row[5] == "" for row in table if row[0] != "AgentDown")


def test_how_many_incidents_and_how_long_until_recovery(report: PeriodicReport, weekly: PeriodicReport) -> None:
    today, before = fired(at(TUESDAY), at(WEDNESDAY)), fired(at(MONDAY), at(TUESDAY))
    assert figure(report, "Incidents") == (len(today), len(before))

    def recovery(some: list[tuple[str, str, int, int]]) -> float:
        return median(ended - began for alert, _, began, ended in some if alert != "BackupMissing")

    assert figure(report, "Median recovery") == (recovery(today), recovery(before))
    week = fired(at(MONDAY), at(MONDAY) + 7 * DAY)
    assert figure(weekly, "Incidents")[0] == len(week)
    assert figure(weekly, "Median recovery")[0] == recovery(week)


def test_what_was_done_is_answered_on_the_first_page(report: PeriodicReport, weekly: PeriodicReport) -> None:
    def states(start: int, end: int) -> Counter[str]:
        return Counter(state for _, action, state, when in ACTION_EVENTS if action != "log_to" and start <= when < end)

    assert states(at(TUESDAY), at(WEDNESDAY)) == {"running": 2, "recovered": 1}
    times = "\N{MULTIPLICATION SIGN}"
    assert f"restart_agent: running {times} 2, recovered. " in report.answers[2].text
    assert states(at(MONDAY), at(MONDAY) + 7 * DAY) == {"running": 3, "recovered": 2}
    assert f"restart_agent: running {times} 3, recovered {times} 2. " in weekly.answers[2].text


# --- Work, tokens and errors, line by line ---------------------------------------------------------------------------


def records(raw: FleetData, *days: date) -> list[dict[str, object]]:
    return [record for (_, day), of_day in raw.logs.items() if day in set(map(str, days)) for record in of_day]


def test_tasks(world: World, report: PeriodicReport, weekly: PeriodicReport) -> None:
    def count(wrong: bool, *days: date, agent: str = "") -> int:
        return sum(
            "context" in record and (record["category"] == "errors") == wrong and agent in ("", record["agent_id"])
            for record in records(world.raw, *days)
        )

    assert figure(report, "Tasks completed") == (count(False, TUESDAY), count(False, MONDAY))
    assert figure(report, "Tasks failed") == (count(True, TUESDAY), count(True, MONDAY))
    assert figure(weekly, "Tasks completed") == (count(False, MONDAY, TUESDAY, WEDNESDAY), None), "no week before"
    for agent, done, failed, share in rows(report, "Tasks"):
        expected = count(False, TUESDAY, agent=str(agent)), count(True, TUESDAY, agent=str(agent))
        assert (done, failed) == expected
        assert share == expected[0] / sum(expected)


def test_tokens_and_what_they_cost(world: World, report: PeriodicReport, weekly: PeriodicReport) -> None:
    def tokens(*days: date) -> Counter[tuple[str, str]]:
        used: Counter[tuple[str, str]] = Counter()
        for record in records(world.raw, *days):
            metadata = record.get("metadata")
            if isinstance(metadata, dict):
                used[str(record["agent_id"]), metadata["model_version"]] += metadata["tokens_used"]
        return used

    def cost(used: Counter[tuple[str, str]]) -> float:
        return sum(PRICES.get(model, 0) * count for (_, model), count in used.items())

    today, before, week = tokens(TUESDAY), tokens(MONDAY), tokens(MONDAY, TUESDAY, WEDNESDAY)
    assert figure(report, "Tokens") == (today.total(), before.total())
    assert figure(report, "Cost of tokens") == pytest.approx((cost(today), cost(before)))
    assert figure(weekly, "Tokens")[0] == week.total()
    assert figure(weekly, "Cost of tokens")[0] == pytest.approx(cost(week))
    table = {(agent, model): (count, price) for agent, model, count, price in rows(report, "Tokens and cost")}
    assert table.keys() == today.keys()
    for (agent, model), count in today.items():
        priced = pytest.approx(PRICES[model] * count) if model in PRICES else None
        assert table[agent, model] == (count, priced)


def test_errors_by_kind(world: World, report: PeriodicReport) -> None:
    wrong = [record for record in records(world.raw, TUESDAY) if record["category"] == "errors"]
    assert figure(report, "Errors")[0] == len(wrong)
    assert figure(report, "Errors")[1] == sum(record["category"] == "errors" for record in records(world.raw, MONDAY))
    kinds = ("the model did not answer", "push of", "out of memory", HEBREW)
    table = rows(report, "Errors")
    assert len(table) == len(kinds)
    for kind, row in zip(kinds, table, strict=True):
        of_kind = [record for record in wrong if str(record["message"]).startswith(kind)]
        stamps = sorted(str(record["timestamp"]) for record in of_kind)
        assert str(row[0]).startswith(kind)
        assert row[1] == len(of_kind)
        assert row[2] == ", ".join(sorted({str(record["agent_id"]) for record in of_kind}))
        assert [instant(row[3]), instant(row[4])] == [stamps[0], stamps[-1]]
    assert [row[1] for row in table] == sorted((row[1] for row in table), reverse=True)  # type: ignore[type-var]


def instant(value: Value) -> str:
    assert isinstance(value, float)
    return (date(1970, 1, 1) + timedelta(days=value // DAY)).isoformat() + "T" + clock(int(value % DAY))


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


# --- Storage, by the samples at the edges; the brain, by its commits -------------------------------------------------


def test_storage(world: World, report: PeriodicReport) -> None:
    grown = grown_before = 0.0
    for place, area, start, end, growth, before in rows(report, "Storage"):
        samples = dict(world.raw.series[f"nervesys_{place}_bytes"][(("area", str(area)),)])
        first, last, earlier = samples[at(TUESDAY)], samples[at(WEDNESDAY)], samples[at(MONDAY)]
        assert (start, end, growth, before) == (first, last, last - first, first - earlier)
        grown, grown_before = grown + last - first, grown_before + first - earlier
    assert [row[:2] for row in rows(report, "Storage")] == [
        ("store", "active_logs"),
        ("store", "agents"),
        ("archive", "logs"),
    ]
    assert figure(report, "Storage growth") == (grown, grown_before)


def test_changes_of_the_configuration(world: World, report: PeriodicReport, weekly: PeriodicReport) -> None:
    monday, tuesday, wednesday = world.commits
    assert rows(report, "Config changes") == [
        (
            at(TUESDAY, 10, 30),
            "דנה",
            "config/agents/grok.yaml, config/thresholds.yaml",
            "Give grok more time",
            tuesday[:12],
        )
    ]
    assert figure(report, "Config changes") == (1, 1)
    assert [row[4] for row in rows(weekly, "Config changes")] == [
        commit[:12] for commit in (wednesday, tuesday, monday)
    ]
    assert "changed by 1 commit." in report.answers[2].text


def test_a_period_is_compared_only_with_one_that_is_known_whole(facts: Facts) -> None:
    (monday,) = facts.summaries_before
    priceless = monday.model_copy(update={"usage_by_model": {}})
    for known, compared in (
        (replace(facts, period=ReportPeriod.containing(Frequency.WEEKLY, TUESDAY)), set()),
        (replace(facts, summaries_before=[priceless]), {"Tasks completed", "Tokens"}),
        (facts, {"Tasks completed", "Tokens", "Cost of tokens"}),
    ):
        compared_report = report_of(known)
        names = ("Tasks completed", "Tokens", "Cost of tokens")
        assert {name for name in names if figure(compared_report, name)[1] is not None} == compared


@pytest.mark.parametrize(("profile", "step"), [(None, 60), ("local", 5)])
def test_availability_is_sampled_at_each_heartbeat_and_at_least_once_a_minute(profile: str | None, step: int) -> None:
    for query in (available_query, monitored_query):
        text = query(load(profile=profile), DAY)
        assert text.startswith(f"{step} * count_over_time(")
        assert text.endswith(f"[{DAY}s:{step}s])")


def test_objectives_are_listed_the_worst_first(report: PeriodicReport) -> None:
    month = 30 * DAY
    assert rows(report, "Service levels") == [
        ("task success", "grok", month, 0.9, 0.8, -1.0),
        ("fleet availability", "", month, 0.995, 0.998, 0.6),
    ]


def test_the_analysis_is_the_brain_s(report: PeriodicReport) -> None:
    assert next(section for section in report.sections if section.title == "Analysis").text == (ANALYSIS,)


def test_a_summary_that_cannot_be_read_is_noted(world: World, executor: ThreadPoolExecutor, tmp_path: Path) -> None:
    write(tmp_path / "brain.git", {"config/agents/grok.yaml": b"agent: {name: grok}\n"})
    write(tmp_path / "brain.git", {f"metrics/daily/{MONDAY}.json": b"{"}, branch="state")
    brain = GitBrain(str(tmp_path / "brain.git"), tmp_path / "mirror", timeout_seconds=30)
    report = report_of(
        replace(world.sources(executor), brain=brain).facts(
            ReportPeriod.containing(Frequency.DAILY, TUESDAY), lambda _: None
        )
    )
    (note,) = report.notes
    assert note.startswith(f"metrics/daily/{MONDAY}.json cannot be read: ")
    assert figure(report, "Tokens")[1] is None


def test_an_alert_about_no_agent_and_no_server_names_its_labels() -> None:
    down = Series(
        {"alertname": "TargetDown", "alertstate": "firing", "severity": "critical", "job": "store"}, ((60, 1),)
    )
    assert [incident.subject for incident in incidents([down], 600)] == ["job store"]


@pytest.mark.parametrize(("minutes", "found"), [((1, 2, 4, 5), [(0, 300)]), ((1, 2, 5), [(0, 120), (240, 300)])])
def test_a_gap_of_more_than_two_minutes_makes_two_incidents(
    minutes: tuple[int, ...], found: list[tuple[float, float]]
) -> None:
    firing = Series({"alertname": "HighCpu", "server": "alpha"}, tuple((60.0 * minute, 1.0) for minute in minutes))
    assert [(incident.began, incident.ended) for incident in incidents([firing], 600)] == found


def test_errors_and_changes_of_many_name_a_few(facts: Facts) -> None:
    lines = [
        b'{"timestamp": "2026-03-10T12:00:00Z", "agent_id": "a-%d", "category": "errors", "message": "down"}' % number
        for number in range(50)
    ]
    log_totals = LogTotals()
    log_totals.add_lines(lines)
    change = replace(facts.changes[0], at=at(TUESDAY), files=tuple(f"config/agents/{n}.yaml" for n in range(50)))
    report = report_of(replace(facts, log_totals=log_totals, changes=(change,)))
    assert rows(report, "Errors")[0][2] == "a-0, a-1, a-10, and 47 more"
    assert str(rows(report, "Config changes")[0][2]).endswith("config/agents/9.yaml, and 40 more")


def test_of_many_kinds_of_errors_and_many_commits_the_most_telling_are_listed(facts: Facts) -> None:
    line = b'{"timestamp": "2026-03-10T12:00:00Z", "agent_id": "grok", "category": "errors", "message": "%s fails"}'
    log_totals = LogTotals()
    for number, letter in enumerate(b"abcdefghijklmnopqrstuvwxyz"):
        log_totals.add_lines([line % bytes([letter])] * (number + 1))
    changes = tuple(replace(facts.changes[0], at=at(TUESDAY), commit=str(number)) for number in range(150))
    report = report_of(replace(facts, log_totals=log_totals, changes=changes))
    assert [row[1] for row in rows(report, "Errors")] == [*range(26, 6, -1)]
    assert [row[4] for row in rows(report, "Config changes")] == [str(number) for number in range(100)]
    notes = [section.how for section in report.sections if section.title in {"Errors", "Config changes"}]
    assert notes[0].endswith("The 20 most frequent of 26 kinds.")
    assert notes[1].endswith("The newest 100 of 150.")
    assert figure(report, "Config changes")[0] == 150


def test_a_period_that_was_hardly_monitored_is_noted(facts: Facts) -> None:
    text = report_of(replace(facts, fleet=[AgentAvailability("grok", 300, 300)])).answers[0].text
    assert text == "Yes. The only agent was available 100 % of the time. It was monitored for only 5 min."


def test_the_tone_of_answers_follows_their_content(facts: Facts, report: PeriodicReport) -> None:
    def tone(answer: int, **changes: object) -> Tone:
        return report_of(replace(facts, **changes)).answers[answer].tone  # type: ignore[arg-type]  # by name

    assert [answer.tone for answer in report.answers] == [Tone.BAD, Tone.BAD, Tone.GOOD]
    assert tone(0, fleet=[AgentAvailability("grok", 995, 1000)]) is Tone.FAIR
    assert tone(0, fleet=[AgentAvailability("grok", 1000, 1000)]) is Tone.GOOD
    assert tone(1, incidents=[incident for incident in facts.incidents if incident.severity == "warning"]) is Tone.FAIR
    assert tone(1, incidents=[]) is Tone.GOOD
    assert tone(2, actions=[]) is Tone.PLAIN
    assert tone(2, actions=[ActionEvent(at(TUESDAY, 3), "grok", "restart_agent", "escalated", 1)]) is Tone.BAD
    (table,) = (section.table for section in report.sections if section.title == "Incidents")
    assert table
    assert {row.values[2]: row.tone for row in table.rows} == {"critical": Tone.BAD, "warning": Tone.FAIR}


def test_an_action_belongs_to_the_day_of_the_minute_before_it(facts: Facts) -> None:
    edges = [(at(TUESDAY), "running"), (at(TUESDAY, 0, 1), "succeeded"), (at(WEDNESDAY), "recovered")]
    done = [ActionEvent(when, "grok", "restart_agent", state, 1) for when, state in edges]
    text = report_of(replace(facts, actions=done)).answers[2].text
    assert text.startswith("restart_agent: succeeded, recovered. ")


def test_an_unmonitored_period_has_no_numbers(facts: Facts) -> None:
    unwatched = report_of(replace(facts, fleet=(), fleet_before=(), log_totals=LogTotals()))
    for title in (
        "Availability",
        "Incidents",
        "Tasks completed",
        "Tasks failed",
        "Errors",
        "Tokens",
        "Cost of tokens",
    ):
        assert figure(unwatched, title)[0] is None, title
    assert figure(unwatched, "Incidents")[1] is None


def test_the_answers_have_the_same_numbers(report: PeriodicReport) -> None:
    well, incidents, _ = report.answers
    assert well.text.startswith("2 of 4 agents were healthy. Unavailable: new-one for 17 h 30 min, grok for 26 min. ")
    assert "AgentDown (grok)" in incidents.text
    assert "HighCpu \N{MULTIPLICATION SIGN} 2 (alpha)" in incidents.text
    assert incidents.text.endswith("1 of them had not ended.")
    assert report.notes == ()
