"""Artifacts: what do agents exchange, is it intact, and how do their processes end?"""

from dataclasses import replace
from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import PageSection, PanelRow
from dashboards.page import page
from dashboards.shared import quantile
from dashboards.style import (
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    MEDIUM,
    TILE,
    Colour,
    PageContext,
    PanelUnit,
    graph,
    query,
    stat,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import LINES, highest

EMPTY = "No artifact yet"
NO_CHECKPOINT = "No checkpoint database is configured"
STATUS_COLOURS = {
    "completed": Colour.GOOD,
    "running": Colour.CALM,
    "failed": Colour.CRITICAL,
    "cancelled": Colour.OFF,
}
OUTCOME_COLOURS = {"ok": Colour.GOOD, "refused": Colour.WARNING, "failed": Colour.CRITICAL}
MADE = "nervesys_artifacts"


def dashboard(context: PageContext) -> Dashboard:
    """The page of artifacts, processes and checkpoints."""
    return page(
        context,
        uid="artifacts",
        title="Artifacts",
        description="What agents exchange, whether it is intact, and how their processes end.",
        since="now-6h",
        sections=(
            PageSection("", (PanelRow(TILE, _tiles()),)),
            PageSection("Contents", (PanelRow(MEDIUM, (_types(), _growth()), (12, 12)),)),
            PageSection("Processes", (PanelRow(MEDIUM, _processes(), (8, 8, 8)),)),
            PageSection("Service", (PanelRow(MEDIUM, (_requests(), _waiting()), (12, 12)),)),
            PageSection("Checkpoints of LangGraph", (PanelRow(MEDIUM, (_checkpoints(),), (24,)),)),
        ),
    )


def _max(family: str) -> str:
    return f"max(nervesys_{family})"


def _tiles() -> tuple[Any, ...]:
    def total(title: str, question: str, expr: str, unit: PanelUnit = PanelUnit.COUNT, **style: Any) -> Any:
        return stat(title, question, unit, query(expr), empty=EMPTY, **style)

    return (
        total("Completed", "How many artifacts are there?", f'sum({MADE}{{status="completed"}})'),
        total("Size", "How large are all artifacts together?", "sum(nervesys_artifact_bytes)", PanelUnit.BYTES),
        stat(
            "Newest",
            "When was the newest artifact created?",
            PanelUnit.AGO,
            query(f"1000 * {_max('artifact_newest_timestamp_seconds')}"),
            empty=EMPTY,
        ),
        stat(
            "Waiting",
            "How many requests could agents not send to the service yet?",
            PanelUnit.COUNT,
            query("sum(nervesys_artifact_waiting_requests)"),
            steps=ANY_IS_WARNING,
        ),
        total(
            "Orphans",
            "How many files have no manifest, and are too old to be still being written?",
            _max("artifact_orphan_files"),
            steps=ANY_IS_WARNING,
        ),
        total(
            "Missing",
            "How many artifacts have no content?",
            _max("artifact_missing_files"),
            steps=ANY_IS_CRITICAL,
        ),
        total(
            "Damaged",
            "How many checked contents do not match their checksum?",
            _max("artifact_checksum_mismatches"),
            steps=ANY_IS_CRITICAL,
        ),
    )


def _types() -> Any:
    def of(family: str, matcher: str = "") -> Any:
        return query(f"sum by (type) (nervesys_{family}{matcher})")

    return table(
        "By type",
        "Which artifacts exist, how large are they, and who may read them?",
        LabelColumn("type", "Type"),
        ValueColumn("Artifacts", of("artifacts"), PanelUnit.COUNT),
        ValueColumn("Size", of("artifact_bytes"), PanelUnit.BYTES),
        ValueColumn("Private", of("artifacts", '{visibility="private"}'), PanelUnit.COUNT),
        ValueColumn("In traces", of("artifacts", '{visibility="trace"}'), PanelUnit.COUNT),
        ValueColumn("Public", of("artifacts", '{visibility="public"}'), PanelUnit.COUNT),
        sort="Size",
        empty=EMPTY,
    )


def _growth() -> Any:
    return graph(
        "Size by type",
        "Which type grows, and does garbage collection keep up?",
        PanelUnit.BYTES,
        query("sum by (type) (nervesys_artifact_bytes)", "{{type}}"),
        stacked=True,
        empty=EMPTY,
        many=True,
    )


def _processes() -> tuple[Any, ...]:
    took = "nervesys_artifact_step_duration_seconds"
    buckets = f"sum by (le) (rate({took}_bucket[$__rate_interval]))"
    return (
        graph(
            "Traces by status",
            "How many processes run, and how did the others end?",
            PanelUnit.COUNT,
            query("sum by (status) (nervesys_artifact_traces)", "{{status}}"),
            colours=STATUS_COLOURS,
            empty=EMPTY,
        ),
        graph(
            "Steps that ended",
            "Do steps succeed?",
            PanelUnit.PER_MINUTE,
            query(f"60 * sum by (status) (rate({took}_count[$__rate_interval]))", "{{status}}"),
            colours=STATUS_COLOURS,
            stacked=True,
            empty=EMPTY,
        ),
        graph(
            "Duration of steps",
            "How long do steps take?",
            PanelUnit.SECONDS,
            query(quantile(0.5, buckets), "median"),
            query(quantile(0.95, buckets), "95th percentile"),
            empty=EMPTY,
        ),
    )


def _requests() -> Any:
    return graph(
        "Requests to the service",
        "How many requests does the service get, and how do they end?",
        PanelUnit.PER_MINUTE,
        query("60 * sum by (outcome) (rate(nervesys_artifact_requests_total[$__rate_interval]))", "{{outcome}}"),
        colours=OUTCOME_COLOURS,
        stacked=True,
        empty=EMPTY,
    )


def _waiting() -> Any:
    refused = highest("nervesys_artifact_refused_requests", "agent")
    return graph(
        "Waiting by agent",
        f"Which agents' artifacts wait to be registered? At most {LINES} lines of each kind: those with the most.",
        PanelUnit.COUNT,
        highest("nervesys_artifact_waiting_requests", "agent").query("waiting"),
        replace(refused, lines=lambda top: f"{refused.lines(top)} > 0").query("refused", legend="{{agent}}, refused"),
        many=True,
    )


def _checkpoints() -> Any:
    def of(family: str) -> str:
        return f"max by (database) (nervesys_{family})"

    return table(
        "LangGraph databases",
        "How many threads have state, how large is it, and when did it last change?",
        LabelColumn("database", "Database"),
        ValueColumn("Threads", query(of("checkpoint_threads")), PanelUnit.COUNT),
        ValueColumn("Checkpoints", query(of("checkpoints")), PanelUnit.COUNT),
        ValueColumn("Size", query(of("checkpoint_bytes")), PanelUnit.BYTES),
        ValueColumn("Newest", query(f"1000 * {of('checkpoint_newest_timestamp_seconds')}"), PanelUnit.AGO),
        sort="Size",
        empty=NO_CHECKPOINT,
    )
