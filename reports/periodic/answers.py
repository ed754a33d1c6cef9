"""The three questions on the first page, with answers: was the fleet well, what broke, what was done?"""

from collections import Counter

from reports.periodic.availability import Presence, overall
from reports.periodic.facts import Facts
from reports.periodic.figures import happened
from reports.periodic.incidents import Incident, told
from reports.periodic.model import Answer, Kind, Tone
from reports.periodic.words import TIMES, said, share

WELL, FAIR = 0.999, 0.99
"""Availability from which an agent counts as well, or nearly well."""
WATCHED = 0.9
"""Share of the time that should have been monitored; an answer says so if it was less."""
NAMED = 4
"""Most agents, alerts or actions that a sentence names."""


def answers(facts: Facts) -> tuple[Answer, ...]:
    """All three answers."""
    return _well(facts), _broke(facts), _done(facts)


def tone_of(one: float | None) -> Tone:
    """The tone of an availability."""
    return Tone.PLAIN if one is None else Tone.GOOD if one >= WELL else Tone.FAIR if one >= FAIR else Tone.BAD


def _well(facts: Facts) -> Answer:
    question = "Was the fleet well?"
    fleet, all_ = facts.fleet, overall(facts.fleet)
    if all_ is None:
        words = "Nobody knows: Prometheus holds nothing about the agents in this time."
        return Answer(question, words, Tone.FAIR)
    ill = sorted((one for one in fleet if one.share is not None and one.share < WELL), key=lambda one: one.share or 0)
    short = _watched_shortly(facts)
    if not ill:
        return Answer(question, f"Yes. {_agents(len(fleet))} there {share(all_)} of the time.{short}", Tone.GOOD)
    named = ", ".join(f"{one.agent} for {_away(one)}" for one in ill[:NAMED])
    more = f", and {len(ill) - NAMED} more" if len(ill) > NAMED else ""
    well = len(fleet) - len(ill)
    together = f"All together they were there {share(all_)} of the time."
    words = f"{well} of {_agents_short(len(fleet))} well. Away: {named}{more}. {together}{short}"
    return Answer(question, words, tone_of(min(one.share or 0 for one in ill)))


def _broke(facts: Facts) -> Answer:
    question, broke = "What broke?", happened(facts, facts.period)
    if not broke:
        if not facts.fleet:
            return Answer(question, "Nobody knows: no alert was evaluated that Prometheus remembers.", Tone.FAIR)
        return Answer(question, "Nothing that an alert watches.", Tone.GOOD)
    counts = Counter(one.alert for one in broke).most_common()
    named = ", ".join(f"{alert}{_times(count)}{_about(alert, broke)}" for alert, count in counts[:NAMED])
    more = f", and {len(counts) - NAMED} more" if len(counts) > NAMED else ""
    still = sum(one.ended is None for one in broke)
    open_ = f" {still} of them had not ended." if still else " All of them ended."
    critical = any(one.severity == "critical" for one in broke)
    return Answer(question, f"{named}{more}.{open_}", Tone.BAD if critical else Tone.FAIR)


def _done(facts: Facts) -> Answer:
    period = facts.period
    acted = told([one for one in facts.deeds if period.start < one.at <= period.end])
    committed = sum(period.start <= one.at < period.end for one in facts.changes)
    words = [f"{action}: {states}." for action, states in acted.items()] or ["No action was taken."]
    plural = "" if committed == 1 else "s"
    words.append(
        f"The configuration was changed by {committed} commit{plural}."
        if committed
        else "The configuration stayed as it was."
    )
    escalated = any("escalated" in states or "failed" in states for states in acted.values())
    tone = Tone.BAD if escalated else Tone.GOOD if acted else Tone.PLAIN
    return Answer("What was done?", " ".join(words), tone)


def _watched_shortly(facts: Facts) -> str:
    watched, passed = max(one.watched for one in facts.fleet), min(facts.made, facts.period.end) - facts.period.start
    return f" It was watched for {said(watched, Kind.SECONDS)} only." if watched < WATCHED * passed else ""


def _away(one: Presence) -> str:
    return said(one.watched - one.fresh, Kind.SECONDS)


def _agents(count: int) -> str:
    return "The one agent was" if count == 1 else f"All {count} agents were"


def _agents_short(count: int) -> str:
    return "1 agent was" if count == 1 else f"{count} agents were"


def _times(count: int) -> str:
    return f" {TIMES} {count}" if count > 1 else ""


def _about(alert: str, broke: list[Incident]) -> str:
    subjects = sorted({one.subject for one in broke if one.alert == alert and one.subject})
    more = f" and {len(subjects) - NAMED} more" if len(subjects) > NAMED else ""
    return f" ({', '.join(subjects[:NAMED])}{more})" if subjects else ""
