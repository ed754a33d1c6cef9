"""Vital Signs: does each entity get and answer pulses, and how fast does it react?"""

from collections.abc import Callable
from functools import partial
from typing import Any

from grafanalib.core import Dashboard

from dashboards.grafana_json import PrometheusTarget
from dashboards.layout import PageSection, PanelRow
from dashboards.page import page
from dashboards.shared import quantile, whole
from dashboards.style import (
    ANY_IS_CRITICAL,
    MEDIUM,
    SHORT,
    TILE,
    PageContext,
    PanelUnit,
    graph,
    query,
    rising_steps,
    stat,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import NOW, ROWS, WHOLE, TopLines, TopVariable, fastest, highest, top_graph

VITALITY = "nervesys_vitality"
EMPTY = "No entity has published vital signs yet"
ENTITY, BY_ENTITY = "entity", " by (entity)"
MISSED = rising_steps(0.01, 0.05)
SLOW = rising_steps(0.5, 1)
"""Seconds; from a second on, Reaction Slow fires."""
HEARTBEAT = "heartbeat_timestamp_seconds"
QUANTILES = (("median", 0.5), ("95th percentile", 0.95), ("99th percentile", 0.99))


def dashboard(context: PageContext) -> Dashboard:
    """The page of all entities."""
    return page(
        context,
        uid="vitality",
        title="Vital Signs",
        description="Pulses, reactions, entropy and errors of the entities that publish vital signs.",
        since="now-1h",
        sections=(
            PageSection("", (PanelRow(TILE, _tiles(context)),)),
            PageSection("Each entity", (PanelRow(SHORT, (_entities(context),), (24,)),)),
            PageSection(
                "Pulse", (PanelRow(MEDIUM, (_pulses(), _missed())), PanelRow(MEDIUM, (_quantiles(), _slowness())))
            ),
            PageSection(
                "Entropy, memory and errors",
                (PanelRow(MEDIUM, (_entropy(), _trend())), PanelRow(MEDIUM, (_decay(), _errors()))),
            ),
        ),
    )


def _of_entity(family: str, matchers: str = "") -> str:
    return f"max by (entity) ({VITALITY}_{family}{{{matchers}}})"


def _missed_share(window: str, by: str = "", matchers: str = "") -> str:
    """Share of pulses without an answer; empty where there was no pulse."""
    answered, received = (
        f"sum{by} (increase({VITALITY}_pulses_{what}_total{{{matchers}}}{window}))" for what in ("answered", "received")
    )
    return f"clamp_min(1 - {answered} / ({received} > 0), 0)"


def _quantile(share: float, window: str, by: str = "le", matchers: str = "") -> str:
    """The time within which this share of reactions is seen."""
    buckets = f"{_growth(window)}({VITALITY}_reaction_duration_seconds_bucket{{{matchers}}}{window})"
    return quantile(share, f"sum by ({by}) ({buckets})")


def _growth(window: str) -> str:
    """Of a counter: a rate at each instant, or all that came in a whole time range."""
    return "rate" if window == NOW else "increase"


def _tiles(context: PageContext) -> tuple[Any, ...]:
    silent = context.settings.thresholds.vitality_silent_seconds
    age = f"time() - {_of_entity(HEARTBEAT)}"
    return (
        stat(
            "Entities",
            "How many entities are known?",
            PanelUnit.COUNT,
            query(f"count({_of_entity(HEARTBEAT)})"),
            empty=EMPTY,
        ),
        stat(
            "Silent",
            "How many entities have stopped publishing vital signs?",
            PanelUnit.COUNT,
            query(f"sum({age} > bool {silent:g})"),
            steps=ANY_IS_CRITICAL,
            empty=EMPTY,
        ),
        stat(
            "Pulses missed",
            "Which share of pulses got no answer?",
            PanelUnit.RATIO,
            query(_missed_share(WHOLE)),
            steps=MISSED,
        ),
        stat(
            "Reaction",
            "How long do reactions take at the 95th percentile?",
            PanelUnit.SECONDS,
            query(_quantile(0.95, WHOLE)),
            steps=SLOW,
        ),
        stat(
            "Errors",
            "How many errors did all entities have in this time range?",
            PanelUnit.COUNT,
            query(whole(f"sum(increase({VITALITY}_errors_total{WHOLE}))")),
        ),
        stat("Clients", "How many clients are connected?", PanelUnit.COUNT, query(f"sum({_of_entity('clients')})")),
    )


def _entities(context: PageContext) -> Any:
    silent = context.settings.thresholds.vitality_silent_seconds
    top = TopVariable("silent", _of_entity(HEARTBEAT), ENTITY, ROWS, lowest=True)

    def of_silent(expr: str) -> PrometheusTarget:
        return top.of(query(expr))

    def all_of(family: str) -> PrometheusTarget:
        grown = f"increase({VITALITY}_{family}_total{{{top.matcher}}}{WHOLE})"
        return of_silent(whole(f"sum by (entity) ({grown})"))

    def newest(family: str) -> PrometheusTarget:
        return of_silent(_of_entity(family, top.matcher))

    return table(
        "Entity details",
        "Does it get pulses, does it answer them, and how fast? All values are for the time range, "
        f"of the {ROWS} entities that were silent the longest.",
        LabelColumn("entity", "Entity"),
        ValueColumn(
            "Silent for",
            of_silent(f"time() - {_of_entity(HEARTBEAT, top.matcher)}"),
            PanelUnit.SECONDS,
            rising_steps(silent / 2, silent),
        ),
        ValueColumn("Pulses", all_of("pulses_received"), PanelUnit.COUNT),
        ValueColumn("Missed", of_silent(_missed_share(WHOLE, BY_ENTITY, top.matcher)), PanelUnit.RATIO, MISSED),
        ValueColumn("Reaction", of_silent(_quantile(0.95, WHOLE, "entity, le", top.matcher)), PanelUnit.SECONDS, SLOW),
        ValueColumn("Errors", all_of("errors"), PanelUnit.COUNT),
        ValueColumn("Entropy gain", newest("entropy_gain"), PanelUnit.NONE),
        ValueColumn("Memory decay", newest("memory_decay_ratio"), PanelUnit.RATIO),
        ValueColumn("Clients", newest("clients"), PanelUnit.COUNT),
        sort="Missed",
        empty=EMPTY,
    )


def _pulses() -> Any:
    return top_graph(
        "Pulses received",
        "How many pulses does each entity receive?",
        PanelUnit.PER_MINUTE,
        fastest(f"{VITALITY}_pulses_received_total", ENTITY),
        empty=EMPTY,
    )


def _missed() -> Any:
    return top_graph(
        "Missed by each",
        "Which share of pulses did each entity leave unanswered?",
        PanelUnit.RATIO,
        TopLines(lambda top: _missed_share(NOW, BY_ENTITY, top), _missed_share(WHOLE, BY_ENTITY), ENTITY),
        steps=MISSED,
        empty=EMPTY,
    )


def _quantiles() -> Any:
    return graph(
        "Reactions of all",
        "How long does it take until a pulse is answered?",
        PanelUnit.SECONDS,
        *(query(_quantile(share, NOW), name) for name, share in QUANTILES),
        empty=EMPTY,
    )


def _slowness() -> Any:
    def of_each(window: str, matchers: str = "") -> str:
        return _quantile(0.95, window, "entity, le", matchers)

    return top_graph(
        "Reactions of each",
        "How long do the reactions of each entity take at the 95th percentile?",
        PanelUnit.SECONDS,
        TopLines(partial(of_each, NOW), of_each(WHOLE), ENTITY),
        steps=SLOW,
        empty=EMPTY,
    )


def _entropy() -> Any:
    return top_graph(
        "Entropy gain",
        "How much new information does each reaction add, in bits?",
        PanelUnit.NONE,
        _poorest(partial(_of_entity, "entropy_gain")),
        which="those with the lowest",
        empty=EMPTY,
    )


def _poorest(lines: Callable[[str], str]) -> TopLines:
    """Those that repeated themselves most, over the whole time range."""
    return TopLines(lines, f"max by (entity) (avg_over_time({VITALITY}_entropy_gain{WHOLE}))", ENTITY, lowest=True)


def _trend() -> Any:
    return top_graph(
        "Entropy over half an hour",
        "Does the entity repeat itself more and more? The mean of the last half hour, in bits.",
        PanelUnit.NONE,
        _poorest(lambda top: f"max by (entity) (avg_over_time({VITALITY}_entropy_gain{{{top}}}[30m]))"),
        which="those with the lowest",
        empty=EMPTY,
    )


def _decay() -> Any:
    return top_graph(
        "Memory decay",
        "Which share of its memory has decayed?",
        PanelUnit.RATIO,
        highest(f"{VITALITY}_memory_decay_ratio", ENTITY),
        empty=EMPTY,
    )


def _errors() -> Any:
    return graph(
        "Errors by kind",
        "Which kinds of errors occur?",
        PanelUnit.PER_MINUTE,
        query(f"60 * sum by (kind) (rate({VITALITY}_errors_total{NOW}))", "{{kind}}"),
        stacked=True,
        empty="No errors in this time range",
    )
