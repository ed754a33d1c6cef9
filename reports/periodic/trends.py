"""The trends of a period as graphs: a point or bar for each day, or for each hour of a daily report. Pure.

They are computed from the facts of the report, so that they agree with its numbers, and reach as far back as the logs
do. A day of which nothing is known has no bar.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from reports.colours import series_colours
from reports.model import Axis, Graph, GraphLine, GridPosition, Key, Notice, PageModel, Panel
from reports.periodic.facts import Facts
from reports.periodic.figures import incidents_in
from reports.periodic.log_totals import HourTotals
from reports.periodic.recurring import slot_noun, slot_seconds
from reports.scale import ticks
from reports.units import NumberFormat

TREND_WIDTH = 360
"""Width of a trend in a page that is not scaled, in pixels: two fit a sheet or a mail."""
PLACE = GridPosition(0, 0, 24, 5)
LINES = 3
"""Grid lines of a trend."""
MODELS = 6
"""Most models with a colour of their own."""
OTHERS = "others"
SHARE, COUNT = "percentunit", "short"
SEVERITY_COLOURS = {"critical": "red", "warning": "orange", "info": "blue"}
OUTCOMES = {"recovered": "green", "succeeded": "blue", "escalated": "orange", "failed": "red"}
"""Colours of the final states of actions."""

Points = Sequence[tuple[float, float]]
Sums = Mapping[str, Points]
"""Points by name of a line."""


def trends(facts: Facts) -> PageModel:
    """The page of trends, in the order in which they are shown."""
    slots = _slots(facts)
    drawn = (
        _availability(facts, slots),
        _incidents(facts, slots),
        _logged(facts, slots, "Tasks", "No task was logged.", _tasks, {"completed": "green", "failed": "red"}),
        _logged(facts, slots, "Errors", "No error was logged.", _errors, {"errors": "red"}),
        _costs(facts, slots),
        _actions(facts, slots),
    )
    # To the end of the last day, or hour, even if it is not over: its bar is as wide as all others.
    end = slots[-1] + slot_seconds(facts) if slots else facts.period.start + 1
    return PageModel("trends", "Trends", "", facts.period.start, end, drawn)


def _slots(facts: Facts) -> list[float]:
    """The first instants of all days, or hours, that have begun."""
    step, begin = slot_seconds(facts), facts.period.start
    count = math.ceil((min(facts.made, facts.period.end) - begin) / step)
    return [begin + step * number for number in range(max(0, count))]


def _availability(facts: Facts, slots: Sequence[float]) -> Panel:
    available, monitored = defaultdict[float, float](float), defaultdict[float, float](float)
    step = slot_seconds(facts)
    for hour in facts.hours:
        slot = hour.begin - hour.begin % step
        available[slot] += hour.available
        monitored[slot] += hour.monitored
    points = [(slot, available[slot] / monitored[slot]) for slot in slots if monitored[slot]]
    line = {"available": points}
    colours = {"available": "green"}
    return _panel(facts, slots, "Availability", "Unknown: the fleet was not monitored.", line, colours, SHARE)


def _incidents(facts: Facts, slots: Sequence[float]) -> Panel:
    step, known = slot_seconds(facts), {hour.begin - hour.begin % slot_seconds(facts) for hour in facts.hours}
    counts = {name: dict.fromkeys(known, 0.0) for name in SEVERITY_COLOURS}
    for incident in incidents_in(facts, facts.period):
        slot = max(incident.began, facts.period.start) // step * step
        of_slot = counts.setdefault(incident.severity or "none", dict.fromkeys(known, 0.0))
        of_slot[slot] = of_slot.get(slot, 0) + 1
    empty = "No alert fired." if known else "Unknown: the fleet was not monitored."
    return _panel(facts, slots, "Incidents", empty, _points(counts), SEVERITY_COLOURS)


def _actions(facts: Facts, slots: Sequence[float]) -> Panel:
    step, known = slot_seconds(facts), {hour.begin - hour.begin % slot_seconds(facts) for hour in facts.hours}
    counts = {name: dict.fromkeys(known, 0.0) for name in OUTCOMES}
    for event in facts.actions:
        if event.state in OUTCOMES and facts.period.start < event.at <= facts.period.end:
            slot = (event.at - 1) // step * step
            counts[event.state][slot] = counts[event.state].get(slot, 0) + event.count
    empty = "No action was completed." if known else "Unknown: the fleet was not monitored."
    return _panel(facts, slots, "Results of actions", empty, _points(counts), OUTCOMES)


def _tasks(hour: HourTotals) -> Mapping[str, float]:
    return {"completed": hour.completed, "failed": hour.failed}


def _errors(hour: HourTotals) -> Mapping[str, float]:
    return {"errors": hour.errors}


def _costs(facts: Facts, slots: Sequence[float]) -> Panel:
    """By model; the cheapest of many together."""
    whole: defaultdict[str, float] = defaultdict(float)
    for (_, model), cost in facts.log_totals.costs.items():
        whole[model] += cost
    named = sorted(whole, key=lambda model: -whole[model])[:MODELS]
    colours = series_colours(named) | {OTHERS: "grey"}

    def of(hour: HourTotals) -> Mapping[str, float]:
        rest = sum(cost for model, cost in hour.costs.items() if model not in named)
        return {model: hour.costs.get(model, 0) for model in named} | {OTHERS: rest}

    return _logged(facts, slots, "Cost", "No call with a price was logged.", of, colours, facts.prices.currency)


def _logged(
    facts: Facts,
    slots: Sequence[float],
    title: str,
    empty: str,
    of: Callable[[HourTotals], Mapping[str, float]],
    colours: Mapping[str, str],
    currency: str = "",
) -> Panel:
    """A graph of sums over the log; days without any record are unknown."""
    step, sums = slot_seconds(facts), defaultdict[str, dict[float, float]](dict)
    for begin, hour in facts.log_totals.hours.items():
        slot = begin - begin % step
        for name, value in of(hour).items():
            sums[name][slot] = sums[name].get(slot, 0) + value
    unit = f"currency{currency}" if currency else COUNT
    return _panel(facts, slots, title, empty, _points(sums), colours, unit)


def _points(sums: Mapping[str, Mapping[float, float]]) -> Sums:
    return {name: sorted(values.items()) for name, values in sums.items()}


def _panel(
    facts: Facts,
    slots: Sequence[float],
    title: str,
    empty: str,
    sums: Sums,
    colours: Mapping[str, str],
    unit: str = COUNT,
) -> Panel:
    """A graph: a line of shares, or else stacked bars; a notice if there is nothing to draw."""
    step, is_share, name = slot_seconds(facts), unit == SHARE, f"trend-{title.lower().replace(' ', '-')}"
    known = {at for points in sums.values() for at, _ in points} & set(slots)
    lines = []
    for key, points in sums.items():
        # In the middle of its day, so that a bar fills the day.
        drawn = tuple((at + step / 2, value) for at, value in points if at in known)
        if drawn and (is_share or any(value for _, value in drawn)):
            lines.append(GraphLine(Key(key, colours.get(key, "grey")), drawn, step, NumberFormat.of(unit)))
    if not lines:
        return Panel(name, title, "", PLACE, Notice(empty))
    unknown = tuple((at, at + step) for at in slots if at not in known)
    noun = slot_noun(facts) if len(unknown) > 1 else slot_noun(facts).removesuffix("s")
    about = f"Grey: no data for {len(unknown)} {noun}." if unknown else ""
    return Panel(name, title, about, PLACE, Graph(tuple(lines), _axis(lines, unit), not is_share, unknown=unknown))


def _axis(lines: Sequence[GraphLine], unit: str) -> Axis:
    if unit == SHARE:
        low, high = min(value for line in lines for _, value in line.points), 1.0
        low = min(low, 0.99)
    else:
        sums: defaultdict[float, float] = defaultdict(float)
        for line in lines:
            for at, value in line.points:
                sums[at] += value
        low, high = 0.0, max(sums.values())
    number_format = NumberFormat.of(unit)
    # Counts have no fractions.
    steps = [at for at in ticks(low, high, unit, LINES) if unit != COUNT or at == int(at)]
    return Axis(tuple((at, number_format.text(at, trimmed=True)) for at in steps))
