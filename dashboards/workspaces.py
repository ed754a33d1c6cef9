"""Workspaces: what do the projects hold, does it move, and is it whole?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.grafana_json import PrometheusTarget
from dashboards.layout import PageSection, PanelRow
from dashboards.page import page
from dashboards.style import ANY_IS_CRITICAL, ANY_IS_WARNING, MEDIUM, TILE, PageContext, PanelUnit, graph, query, stat
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import NOW, ROWS, TopVariable, fastest, highest, top_graph

EMPTY = "No project yet"
WORKSPACE, PROJECT = "nervesys_workspace", "project"


def dashboard(context: PageContext) -> Dashboard:
    """The page of all projects."""
    return page(
        context,
        uid="workspaces",
        title="Workspaces",
        description="Event histories, versioned files and snapshots of the projects, and whether they are whole.",
        since="now-6h",
        sections=(
            PageSection("", (PanelRow(TILE, _tiles()),)),
            PageSection("Each project", (PanelRow(MEDIUM, (_projects(),), (24,)),)),
            PageSection("Movement", (PanelRow(MEDIUM, _movement(), (12, 12)), PanelRow(MEDIUM, _growth(), (12, 12)))),
        ),
    )


def _of_project(family: str, matchers: str = "") -> str:
    return f"max by (project) ({WORKSPACE}_{family}{{{matchers}}})"


def _total(title: str, question: str, family: str, unit: PanelUnit, **style: Any) -> Any:
    return stat(title, question, unit, query(f"sum({_of_project(family)})"), empty=EMPTY, **style)


def _tiles() -> tuple[Any, ...]:
    return (
        stat(
            "Projects",
            "How many projects are there?",
            PanelUnit.COUNT,
            query(f"count({_of_project('files')})"),
            empty=EMPTY,
        ),
        _total("Files", "How many files do the projects hold?", "files", PanelUnit.COUNT),
        _total("Contents", "How much disk do all versions take?", "content_bytes", PanelUnit.BYTES),
        _total(
            "Torn lines",
            "How many lines were left unfinished, and set aside?",
            "torn_lines",
            PanelUnit.COUNT,
            steps=ANY_IS_WARNING,
        ),
        _total(
            "Unreadable lines", "Is any event or version lost?", "damaged_lines", PanelUnit.COUNT, steps=ANY_IS_CRITICAL
        ),
        _total(
            "Broken chains",
            "Is a version missing between two others?",
            "broken_versions",
            PanelUnit.COUNT,
            steps=ANY_IS_CRITICAL,
        ),
        _total(
            "Damaged contents",
            "Does any content no longer match its hash?",
            "mismatched_contents",
            PanelUnit.COUNT,
            steps=ANY_IS_CRITICAL,
        ),
    )


def _projects() -> Any:
    largest = TopVariable("largest", _of_project("file_bytes"), PROJECT, ROWS)

    def of(family: str, scale: str = "") -> PrometheusTarget:
        return largest.of(query(scale + _of_project(family, largest.matcher)))

    return table(
        "What each project holds",
        f"What does each project hold, and when did it last move? The {ROWS} largest.",
        LabelColumn("project", "Project"),
        ValueColumn("Last event", of("last_event_timestamp_seconds", "1000 * "), PanelUnit.AGO),
        ValueColumn("Segments", of("segments"), PanelUnit.COUNT),
        ValueColumn("Files", of("files"), PanelUnit.COUNT),
        ValueColumn("Size", of("file_bytes"), PanelUnit.BYTES),
        ValueColumn("Versions", of("versions"), PanelUnit.COUNT),
        ValueColumn("Snapshots", of("snapshots"), PanelUnit.COUNT),
        ValueColumn("Newest snapshot", of("newest_snapshot_timestamp_seconds", "1000 * "), PanelUnit.AGO),
        sort="Size",
        empty=EMPTY,
    )


def _movement() -> tuple[Any, ...]:
    events = f"{WORKSPACE}_events_total"
    return (
        top_graph(
            "Events by project",
            "Which project is being worked on?",
            PanelUnit.PER_MINUTE,
            fastest(events, PROJECT),
            empty=EMPTY,
        ),
        graph(
            "Events by type",
            "What happens in the projects?",
            PanelUnit.PER_MINUTE,
            query(f"60 * sum by (type) (rate({events}{NOW}))", "{{type}}"),
            stacked=True,
            empty=EMPTY,
        ),
    )


def _growth() -> tuple[Any, ...]:
    return (
        top_graph(
            "Contents by project",
            "Which project grows, and does cleaning up keep pace?",
            PanelUnit.BYTES,
            highest(f"{WORKSPACE}_content_bytes", PROJECT),
            stacked=True,
            empty=EMPTY,
        ),
        top_graph(
            "Versions by project",
            "How much is written, and how much is forgotten?",
            PanelUnit.COUNT,
            highest(f"{WORKSPACE}_versions", PROJECT),
            empty=EMPTY,
        ),
    )
