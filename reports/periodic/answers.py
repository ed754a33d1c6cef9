"""The three questions on the first page, with answers: was the fleet well, what broke, what was done?"""

from collections import Counter

from reports.periodic.availability import AgentAvailability, fleet_availability
from reports.periodic.facts import Facts
from reports.periodic.figures import incidents_in
from reports.periodic.formatting import TIMES, format_value, share
from reports.periodic.incidents import AlertIncident, states_by_action
from reports.periodic.model import ReportAnswer, Tone, ValueKind

WELL, FAIR = 0.999, 0.99
"""Availability from which an agent counts as well, or nearly well."""
WATCHED = 0.9
"""Share of the time that should have been monitored; an answer says so if it was less."""
NAMED = 4
"""Most agents, alerts or actions that a sentence names."""


def answers(facts: Facts) -> tuple[ReportAnswer, ...]:
    """All three answers."""
    return _well(facts), _broke(facts), _done(facts)


def tone_of(value: float | None) -> Tone:
    """The tone of an availability."""
    return Tone.PLAIN if value is None else Tone.GOOD if value >= WELL else Tone.FAIR if value >= FAIR else Tone.BAD


def _well(facts: Facts) -> ReportAnswer:
    question = "Was the fleet healthy?"
    fleet, all_ = facts.fleet, fleet_availability(facts.fleet)
    if all_ is None:
        text = "Unknown: Prometheus has no data about the agents for this period."
        return ReportAnswer(question, text, Tone.FAIR)
    ill = sorted(
        (agent for agent in fleet if agent.share is not None and agent.share < WELL), key=lambda agent: agent.share or 0
    )
    short = _monitored_note(facts)
    if not ill:
        return ReportAnswer(
            question, f"Yes. {_agents(len(fleet))} available {share(all_)} of the time.{short}", Tone.GOOD
        )
    named = ", ".join(f"{agent.agent} for {_away(agent)}" for agent in ill[:NAMED])
    more = f", and {len(ill) - NAMED} more" if len(ill) > NAMED else ""
    well = len(fleet) - len(ill)
    together = f"Availability of the fleet: {share(all_)}."
    text = f"{well} of {_agents_short(len(fleet))} healthy. Unavailable: {named}{more}. {together}{short}"
    return ReportAnswer(question, text, tone_of(min(agent.share or 0 for agent in ill)))


def _broke(facts: Facts) -> ReportAnswer:
    question, incidents = "What broke?", incidents_in(facts, facts.period)
    if not incidents:
        if not facts.fleet:
            return ReportAnswer(question, "Unknown: Prometheus has no record of evaluated alerts.", Tone.FAIR)
        return ReportAnswer(question, "No alert fired.", Tone.GOOD)
    counts = Counter(incident.alert for incident in incidents).most_common()
    named = ", ".join(f"{alert}{_times(count)}{_about(alert, incidents)}" for alert, count in counts[:NAMED])
    more = f", and {len(counts) - NAMED} more" if len(counts) > NAMED else ""
    still = sum(incident.ended is None for incident in incidents)
    open_ = f" {still} of them had not ended." if still else " All of them ended."
    critical = any(incident.severity == "critical" for incident in incidents)
    return ReportAnswer(question, f"{named}{more}.{open_}", Tone.BAD if critical else Tone.FAIR)


def _done(facts: Facts) -> ReportAnswer:
    period = facts.period
    acted = states_by_action([action for action in facts.actions if period.start < action.at <= period.end])
    committed = sum(period.start <= change.at < period.end for change in facts.changes)
    text = [f"{action}: {states}." for action, states in acted.items()] or ["No action was taken."]
    plural = "" if committed == 1 else "s"
    text.append(
        f"The configuration was changed by {committed} commit{plural}."
        if committed
        else "The configuration did not change."
    )
    escalated = any("escalated" in states or "failed" in states for states in acted.values())
    tone = Tone.BAD if escalated else Tone.GOOD if acted else Tone.PLAIN
    return ReportAnswer("What was done?", " ".join(text), tone)


def _monitored_note(facts: Facts) -> str:
    monitored, passed = (
        max(agent.monitored for agent in facts.fleet),
        min(facts.made, facts.period.end) - facts.period.start,
    )
    return (
        f" It was monitored for only {format_value(monitored, ValueKind.SECONDS)}."
        if monitored < WATCHED * passed
        else ""
    )


def _away(agent: AgentAvailability) -> str:
    return format_value(agent.monitored - agent.available, ValueKind.SECONDS)


def _agents(count: int) -> str:
    return "The only agent was" if count == 1 else f"All {count} agents were"


def _agents_short(count: int) -> str:
    return "1 agent was" if count == 1 else f"{count} agents were"


def _times(count: int) -> str:
    return f" {TIMES} {count}" if count > 1 else ""


def _about(alert: str, incidents: list[AlertIncident]) -> str:
    subjects = sorted({incident.subject for incident in incidents if incident.alert == alert and incident.subject})
    more = f" and {len(subjects) - NAMED} more" if len(subjects) > NAMED else ""
    return f" ({', '.join(subjects[:NAMED])}{more})" if subjects else ""
