"""The sections of a report: tables, each with a note on where its numbers come from."""

from collections.abc import Iterator, Sequence

from reports.periodic.answers import tone_of
from reports.periodic.facts import Facts
from reports.periodic.figures import happened, tokens_by_model
from reports.periodic.incidents import Incident, done_about
from reports.periodic.model import Column, Kind, Row, Section, Table, Tone
from reports.periodic.tally import worst

ERRORS = 20
"""Most kinds of errors in a report."""
CHANGES = 100
"""Most commits in a report."""
FILES, AGENTS = 10, 3
"""Most files of a commit, and agents of a kind of errors, that are named."""
WORDS_BEFORE_SECONDS = 1800
"""How long before an incident an error may be its cause."""
TONES = {"critical": Tone.BAD, "warning": Tone.FAIR}


def sections(facts: Facts) -> tuple[Section, ...]:
    """All sections."""
    return tuple(_sections(facts))


def _sections(facts: Facts) -> Iterator[Section]:
    yield _availability(facts)
    yield _incidents(facts)
    yield _errors(facts)
    yield _work(facts)
    yield _tokens(facts)
    yield _storage(facts)
    yield _changes(facts)
    yield _analysis(facts)


def _availability(facts: Facts) -> Section:
    before = {one.agent: one.share for one in facts.fleet_before}
    columns = (
        Column("Agent", wide=True),
        Column("Available", Kind.SHARE),
        Column(f"{facts.period.noun.capitalize()} before", Kind.SHARE),
        Column("Away", Kind.SECONDS),
        Column("Watched", Kind.SECONDS),
    )
    rows = (
        Row((one.agent, one.share, before.get(one.agent), one.watched - one.fresh, one.watched), tone_of(one.share))
        for one in sorted(facts.fleet, key=lambda it: (it.share or 0, it.agent))
    )
    return Section(
        "Availability",
        "Of the time in which an agent was watched, the share in which its newest heartbeat was no older than the "
        "silence at which it is called down. Time in which nobody could see counts for neither.",
        Table(columns, tuple(rows)),
        "Prometheus holds nothing about the agents in this time.",
    )


def _incidents(facts: Facts) -> Section:
    columns = (
        Column("Alert"),
        Column("About"),
        Column("Severity"),
        Column("Began", Kind.INSTANT),
        Column("Recovery", Kind.SECONDS),
        Column("What was done", wide=True),
        Column("Last error before", wide=True),
    )

    def row(one: Incident) -> Row:
        cause = facts.tally.error_before(one.agent, one.began, WORDS_BEFORE_SECONDS)
        recovered = "still firing" if one.seconds is None else one.seconds
        done = done_about(one, facts.deeds)
        values = (one.alert, one.subject, one.severity, one.began, recovered, done, cause)
        return Row(values, TONES.get(one.severity, Tone.PLAIN))

    return Section(
        "Incidents",
        "Alerts that fired, to the minute, as Prometheus recorded them; recovery is how long they did. "
        "What was done is what the receiver did for the agent meanwhile. The last error is the agent's own, of the "
        "half hour before.",
        Table(columns, tuple(map(row, happened(facts, facts.period)))),
        "No alert fired." if facts.fleet else "Prometheus holds no alerts of this time.",
    )


def _errors(facts: Facts) -> Section:
    columns = (
        Column("Error", wide=True),
        Column("Times", Kind.COUNT),
        Column("Agents"),
        Column("First", Kind.INSTANT),
        Column("Last", Kind.INSTANT),
    )
    kinds = worst(facts.tally)
    rows = (
        Row((one.words, one.count, _listed(sorted(one.agents), AGENTS), one.first, one.last)) for one in kinds[:ERRORS]
    )
    listed = f" The {ERRORS} most frequent of {len(kinds)} kinds." if len(kinds) > ERRORS else ""
    return Section(
        "Errors",
        "Log records of category errors, counted as one where they differ only in numbers, ids and hashes; said as the "
        f"first of them was.{listed}",
        Table(columns, tuple(rows)),
        "No error was logged.",
    )


def _work(facts: Facts) -> Section:
    tasks = facts.tally.tasks
    agents = sorted({agent for agent, _ in tasks})
    columns = (
        Column("Agent", wide=True),
        Column("Completed", Kind.COUNT),
        Column("Failed", Kind.COUNT),
        Column("Succeeded", Kind.SHARE),
    )

    def row(agent: str) -> Row:
        done, failed = tasks[agent, False], tasks[agent, True]
        return Row((agent, done, failed, done / (done + failed)))

    how = "Log records that tell a duration; those of category errors are the failed ones."
    return Section("Tasks", how, Table(columns, tuple(map(row, agents))), "No task was logged.")


def _tokens(facts: Facts) -> Section:
    columns = (
        Column("Agent"),
        Column("Model", wide=True),
        Column("Tokens", Kind.COUNT),
        Column("Cost", Kind.MONEY),
    )
    rows = [
        Row((agent, model, tokens, facts.prices.cost(model, tokens)))
        for (agent, model), tokens in sorted(facts.tally.tokens.items(), key=lambda it: (-it[1], it[0]))
    ]
    unpriced = sorted(model for model in tokens_by_model(facts) if facts.prices.cost(model, 1) is None)
    without = f" Without a price: {', '.join(unpriced)}." if unpriced else ""
    return Section(
        "Tokens and cost",
        f"By the agents' logs, at the prices of config/prices.yaml in {facts.prices.currency}.{without}",
        Table(columns, tuple(rows)),
        "No use of tokens was logged.",
    )


def _storage(facts: Facts) -> Section:
    noun = facts.period.noun
    columns = (
        Column("Where"),
        Column("Area", wide=True),
        Column(f"Start of the {noun}", Kind.BYTES),
        Column(f"End of the {noun}", Kind.BYTES),
        Column("Growth", Kind.BYTES),
        Column("Growth before", Kind.BYTES),
    )
    rows = (
        Row((one.place, one.area, one.start, one.end, _less(one.end, one.start), _less(one.start, one.earlier)))
        for one in facts.sizes
    )
    how = "As the exporters measured store and archive, at most an hour before."
    return Section("Storage", how, Table(columns, tuple(rows)), "Nobody measured the store or the archive.")


def _changes(facts: Facts) -> Section:
    columns = (
        Column("When", Kind.INSTANT),
        Column("Author"),
        Column("Files", wide=True),
        Column("Message", wide=True),
        Column("Commit"),
    )
    made = [one for one in facts.changes if facts.period.start <= one.at < facts.period.end]
    rows = (Row((one.at, one.author, _listed(one.files, FILES), one.message, one.commit)) for one in made[:CHANGES])
    listed = f" The newest {CHANGES} of {len(made)}." if len(made) > CHANGES else ""
    how = f"Commits that touched config/ in the brain.{listed}"
    return Section("Config changes", how, Table(columns, tuple(rows)), "The configuration stayed as it was.")


def _analysis(facts: Facts) -> Section:
    many = len(facts.analysis) > 1
    words = tuple(f"{day}: {text}" if many else text for day, text in sorted(facts.analysis.items()))
    how = "What the language model made of it." if words else "No language model was asked about this time."
    return Section("Analysis", how, words=words)


def _listed(names: Sequence[str], most: int) -> str:
    more = len(names) - most
    return ", ".join([*names[:most], *([f"and {more} more"] if more > 0 else [])])


def _less(end: float | None, start: float | None) -> float | None:
    return None if end is None or start is None else end - start
