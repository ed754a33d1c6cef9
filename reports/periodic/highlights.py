"""Further questions of the first page: the worst hour, the costliest agent, what recurs."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from reports.periodic.facts import Facts
from reports.periodic.formatting import TIMES, format_value, hour_label, join_names, share, shorten
from reports.periodic.incidents import AlertIncident
from reports.periodic.model import ReportAnswer, Tone, ValueKind
from reports.periodic.recurring import RecurringProblem, recurring, slot_noun
from reports.periodic.worst_hours import FleetHour, fleet_hours, worst_hours

NAMED = 3
"""Most alerts that a sentence names."""
LETTERS = 60
"""Longest text of an error in a sentence."""
OFTEN = 3
"""A problem that recurs in so many days, or hours, is bad."""


def highlights(facts: Facts) -> tuple[ReportAnswer, ...]:
    """All three answers."""
    return _worst_hour(facts), _costliest_agent(facts), _recurs(facts)


def _worst_hour(facts: Facts) -> ReportAnswer:
    question, worst = "Which hour was worst?", worst_hours(facts, 1)
    if worst:
        return ReportAnswer(question, _hour_text(worst[0]), Tone.BAD if worst[0].lost else Tone.FAIR)
    if all(hour.availability is None and hour.errors is None for hour in fleet_hours(facts)):
        return ReportAnswer(question, "Unknown: neither heartbeats nor logs of this period are known.", Tone.FAIR)
    return ReportAnswer(question, "None: no heartbeat was missed, no alert fired, no error was logged.", Tone.GOOD)


def _hour_text(hour: FleetHour) -> str:
    parts = [] if hour.availability is None else [f"{share(hour.availability)} available"]
    if alerts := Counter(incident.alert for incident in hour.alerts).most_common():
        names = [f"{alert}{_about(alert, hour.alerts)}" for alert, _ in alerts]
        parts.append(join_names(names, NAMED))
    if hour.errors:
        parts.append(f"{hour.errors} error{'' if hour.errors == 1 else 's'}")
    return f"{hour_label(hour.begin)}: {'; '.join(parts)}."


def _about(alert: str, alerts: tuple[AlertIncident, ...]) -> str:
    subjects = sorted({incident.subject for incident in alerts if incident.alert == alert and incident.subject})
    return f" ({join_names(subjects, NAMED)})" if subjects else ""


def _costliest_agent(facts: Facts) -> ReportAnswer:
    question, totals = "Which agent cost most?", facts.log_totals
    agents: defaultdict[str, float] = defaultdict(float)
    for (agent, _), cost in totals.costs.items():
        agents[agent] += cost
    if not agents or not facts.cost:
        text = "Unknown: no call with a price was logged." if totals.unpriced or not totals.records else "None did."
        return ReportAnswer(question, text, Tone.PLAIN)
    agent = max(sorted(agents), key=lambda name: agents[name])
    amount = format_value(agents[agent], ValueKind.MONEY, facts.prices.currency)
    text = f"{agent}: {amount}, {share(agents[agent] / facts.cost)} of the fleet's cost"
    model, _ = _most(totals.costs, agent)
    task, spent = _most(totals.task_costs, agent)
    amount = format_value(spent, ValueKind.MONEY, facts.prices.currency)
    text = f"{text}, mostly by {model}. Its costliest task: {task}, {amount}."
    return ReportAnswer(question, text, Tone.PLAIN)


def _most(costs: Mapping[tuple[str, str], float], agent: str) -> tuple[str, float]:
    """The model, or task, that cost an agent the most."""
    cost, name = max((cost, name) for (of, name), cost in costs.items() if of == agent)
    return name, cost


def _recurs(facts: Facts) -> ReportAnswer:
    question, problems = "What recurs?", recurring(facts)
    if not problems:
        known = facts.fleet or facts.log_totals.records
        text = "Nothing." if known else "Unknown: neither alerts nor logs of this period are known."
        return ReportAnswer(question, text, Tone.GOOD if known else Tone.FAIR)
    first = {problem.kind: problem for problem in reversed(problems)}
    texts = [_problem_text(first[kind], slot_noun(facts)) for kind in sorted(first)]
    more = f" And {len(problems) - len(texts)} more." if len(problems) > len(texts) else ""
    bad = max(problem.slots for problem in problems) >= OFTEN
    return ReportAnswer(question, f"{' '.join(texts)}{more}", Tone.BAD if bad else Tone.FAIR)


def _problem_text(problem: RecurringProblem, noun: str) -> str:
    about = f" ({join_names(problem.subjects, NAMED)})" if problem.subjects else ""
    return f"{shorten(problem.text, LETTERS)}{about} {TIMES} {problem.times}, in {problem.slots} {noun}."
