"""The sections of a report: tables, each with a note on where its numbers come from."""

from collections.abc import Iterator

from reports.periodic.answers import tone_of
from reports.periodic.facts import Facts
from reports.periodic.figures import incidents_in
from reports.periodic.formatting import join_names
from reports.periodic.incidents import AlertIncident, actions_during
from reports.periodic.log_totals import most_frequent
from reports.periodic.model import Column, ReportRow, ReportSection, ReportTable, Tone, ValueKind
from reports.periodic.problem_sections import AGENTS, TONES, problem_sections

ERRORS, TASK_COSTS = 20, 20
"""Most kinds of errors, and of tasks, in a report."""
CHANGES = 100
"""Most commits in a report."""
FILES = 10
"""Most files of a commit that are named."""
WORDS_BEFORE_SECONDS = 1800
"""How long before an incident an error may be its cause."""


def sections(facts: Facts) -> tuple[ReportSection, ...]:
    """All sections."""
    return tuple(_sections(facts))


def _sections(facts: Facts) -> Iterator[ReportSection]:
    yield from problem_sections(facts)
    yield _availability(facts)
    if facts.objectives:
        yield _objectives(facts)
    yield _incidents(facts)
    yield _errors(facts)
    yield _work(facts)
    yield _tokens(facts)
    yield _task_costs(facts)
    yield _storage(facts)
    yield _changes(facts)
    yield _analysis(facts)


def _availability(facts: Facts) -> ReportSection:
    before = {agent.agent: agent.share for agent in facts.fleet_before}
    columns = (
        Column("Agent", wide=True),
        Column("Available", ValueKind.SHARE),
        Column(f"{facts.period.noun.capitalize()} before", ValueKind.SHARE),
        Column("Unavailable", ValueKind.SECONDS),
        Column("Monitored", ValueKind.SECONDS),
    )
    rows = (
        ReportRow(
            (agent.agent, agent.share, before.get(agent.agent), agent.monitored - agent.available, agent.monitored),
            tone_of(agent.share),
        )
        for agent in sorted(facts.fleet, key=lambda it: (it.share or 0, it.agent))
    )
    return ReportSection(
        "Availability",
        "Share of the monitored time in which the agent's newest heartbeat was younger than the limit from which it "
        "counts as down. Time in which the exporter could not read the store is not counted.",
        ReportTable(columns, tuple(rows)),
        "Prometheus has no data about the agents for this period.",
    )


def _objectives(facts: Facts) -> ReportSection:
    columns = (
        Column("Objective", wide=True),
        Column("Agent"),
        Column("Window", ValueKind.SECONDS),
        Column("Target", ValueKind.SHARE),
        Column("Attained", ValueKind.SHARE),
        Column("Error budget left", ValueKind.SHARE),
    )
    rows = (
        ReportRow(
            (each.slo, each.agent, each.seconds, each.target, each.attained, each.remaining),
            Tone.BAD if each.remaining < 0 else Tone.PLAIN,
        )
        for each in facts.objectives
    )
    return ReportSection(
        "Service levels",
        "Objectives of config/slos.yaml, each over its own window up to the end of this period. The error budget is "
        "the share of events that may be bad; below 0 the objective was missed.",
        ReportTable(columns, tuple(rows)),
        "",
    )


def _incidents(facts: Facts) -> ReportSection:
    columns = (
        Column("Alert"),
        Column("Subject"),
        Column("Severity"),
        Column("Started", ValueKind.INSTANT),
        Column("Recovery", ValueKind.SECONDS),
        Column("Actions", wide=True),
        Column("Last error before", wide=True),
    )

    def row(incident: AlertIncident) -> ReportRow:
        cause = facts.log_totals.error_before(incident.agent, incident.began, WORDS_BEFORE_SECONDS)
        recovered = "still firing" if incident.seconds is None else incident.seconds
        done = actions_during(incident, facts.actions)
        values = (incident.alert, incident.subject, incident.severity, incident.began, recovered, done, cause)
        return ReportRow(values, TONES.get(incident.severity, Tone.PLAIN))

    return ReportSection(
        "Incidents",
        "Alerts that fired, to the minute, as recorded by Prometheus; recovery is how long they fired. "
        "Actions are those of the receiver for the agent in that time. The last error is the agent's own, of the "
        "half hour before.",
        ReportTable(columns, tuple(map(row, incidents_in(facts, facts.period)))),
        "No alert fired." if facts.fleet else "Prometheus has no alerts for this period.",
    )


def _errors(facts: Facts) -> ReportSection:
    columns = (
        Column("Error", wide=True),
        Column("Count", ValueKind.COUNT),
        Column("Agents"),
        Column("First", ValueKind.INSTANT),
        Column("Last", ValueKind.INSTANT),
    )
    kinds = most_frequent(facts.log_totals)
    rows = (
        ReportRow((errors.text, errors.count, join_names(sorted(errors.agents), AGENTS), errors.first, errors.last))
        for errors in kinds[:ERRORS]
    )
    listed = f" The {ERRORS} most frequent of {len(kinds)} kinds." if len(kinds) > ERRORS else ""
    return ReportSection(
        "Errors",
        "Log records of category errors. Records that differ only in numbers, ids and hashes count as one kind, with "
        f"the text of the first record.{listed}",
        ReportTable(columns, tuple(rows)),
        "No error was logged.",
    )


def _work(facts: Facts) -> ReportSection:
    tasks = facts.log_totals.tasks
    agents = sorted({agent for agent, _ in tasks})
    columns = (
        Column("Agent", wide=True),
        Column("Completed", ValueKind.COUNT),
        Column("Failed", ValueKind.COUNT),
        Column("Succeeded", ValueKind.SHARE),
    )

    def row(agent: str) -> ReportRow:
        done, failed = tasks[agent, False], tasks[agent, True]
        return ReportRow((agent, done, failed, done / (done + failed)))

    how = "Log records with a duration; those of category errors count as failed."
    return ReportSection("Tasks", how, ReportTable(columns, tuple(map(row, agents))), "No task was logged.")


def _tokens(facts: Facts) -> ReportSection:
    columns = (
        Column("Agent"),
        Column("Model", wide=True),
        Column("Tokens", ValueKind.COUNT),
        Column("Cost", ValueKind.MONEY),
    )
    totals = facts.log_totals
    calls = sorted(
        totals.tokens.keys() | totals.costs.keys(),
        key=lambda it: (-totals.costs.get(it, 0), -totals.tokens.get(it, 0), it),
    )
    rows = [ReportRow((*key, totals.tokens.get(key, 0.0), totals.costs.get(key))) for key in calls]
    without = f" Without a price: {', '.join(sorted(totals.unpriced))}." if totals.unpriced else ""
    return ReportSection(
        "Tokens and cost",
        f"From the agents' logs, at the prices in config/prices.yaml, in {facts.prices.currency}.{without}",
        ReportTable(columns, tuple(rows)),
        "No token usage was logged.",
    )


def _task_costs(facts: Facts) -> ReportSection:
    columns = (Column("Agent"), Column("Task", wide=True), Column("Cost", ValueKind.MONEY))
    dearest = sorted(facts.log_totals.task_costs.items(), key=lambda it: (-it[1], it[0]))
    rows = (ReportRow((agent, action, cost)) for (agent, action), cost in dearest[:TASK_COSTS])
    listed = f" The {TASK_COSTS} that cost the most, of {len(dearest)}." if len(dearest) > TASK_COSTS else ""
    return ReportSection(
        "Cost of tasks",
        f"What each kind of task cost, by the action of the log records, in {facts.prices.currency}.{listed}",
        ReportTable(columns, tuple(rows)),
        "No task with a price was logged.",
    )


def _storage(facts: Facts) -> ReportSection:
    noun = facts.period.noun
    columns = (
        Column("Storage"),
        Column("Area", wide=True),
        Column(f"Start of the {noun}", ValueKind.BYTES),
        Column(f"End of the {noun}", ValueKind.BYTES),
        Column("Growth", ValueKind.BYTES),
        Column("Growth before", ValueKind.BYTES),
    )
    rows = (
        ReportRow(
            (
                size.place,
                size.area,
                size.start,
                size.end,
                _difference(size.end, size.start),
                _difference(size.start, size.earlier),
            )
        )
        for size in facts.sizes
    )
    how = "As measured by the exporters, at most an hour before."
    return ReportSection(
        "Storage", how, ReportTable(columns, tuple(rows)), "The store and the archive were not measured in this period."
    )


def _changes(facts: Facts) -> ReportSection:
    columns = (
        Column("When", ValueKind.INSTANT),
        Column("Author"),
        Column("Files", wide=True),
        Column("Message", wide=True),
        Column("Commit"),
    )
    made = [change for change in facts.changes if facts.period.start <= change.at < facts.period.end]
    rows = (
        ReportRow((change.at, change.author, join_names(change.files, FILES), change.message, change.commit))
        for change in made[:CHANGES]
    )
    listed = f" The newest {CHANGES} of {len(made)}." if len(made) > CHANGES else ""
    how = f"Commits that changed config/ in the brain.{listed}"
    return ReportSection("Config changes", how, ReportTable(columns, tuple(rows)), "The configuration did not change.")


def _analysis(facts: Facts) -> ReportSection:
    many = len(facts.analysis) > 1
    text = tuple(f"{day}: {text}" if many else text for day, text in sorted(facts.analysis.items()))
    how = "By the language model." if text else "No language model analysed this period."
    return ReportSection("Analysis", how, text=text)


def _difference(end: float | None, start: float | None) -> float | None:
    return None if end is None or start is None else end - start
