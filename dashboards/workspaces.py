"""Workspaces: what do the projects contain, does it change, and is it intact?"""

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
        description="Event histories, versioned files and snapshots of the projects, and whether they are intact.",
        since="now-6h",
        sections=(
            PageSection("", (PanelRow(TILE, _tiles()),)),
            PageSection("Each project", (PanelRow(MEDIUM, (_projects(),), (24,)),)),
            PageSection("Activity", (PanelRow(MEDIUM, _movement(), (12, 12)), PanelRow(MEDIUM, _growth(), (12, 12)))),
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
        _total("Files", "How many files do the projects contain?", "files", PanelUnit.COUNT),
        _total("Contents", "How much disk space do all versions use?", "content_bytes", PanelUnit.BYTES),
        _total(
            "Incomplete lines",
            "How many lines were written incompletely, and set aside?",
            "torn_lines",
            PanelUnit.COUNT,
            steps=ANY_IS_WARNING,
        ),
        _total(
            "Unreadable lines",
            "How many lines of events or versions cannot be read?",
            "damaged_lines",
            PanelUnit.COUNT,
            steps=ANY_IS_CRITICAL,
        ),
        _total(
            "Broken chains",
            "How many version histories have gaps?",
            "broken_versions",
            PanelUnit.COUNT,
            steps=ANY_IS_CRITICAL,
        ),
        _total(
            "Damaged contents",
            "How many contents no longer match their hash?",
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
        "Project details",
        f"What does each project contain, and when did it last change? The {ROWS} largest.",
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
            "Which projects are active?",
            PanelUnit.PER_MINUTE,
            fastest(events, PROJECT),
            empty=EMPTY,
        ),
        graph(
            "Events by type",
            "Which events happen in the projects?",
            PanelUnit.PER_MINUTE,
            query(f"60 * sum by (type) (rate({events}{NOW}))", "{{type}}"),
            stacked=True,
            empty=EMPTY,
            many=True,
        ),
    )


def _growth() -> tuple[Any, ...]:
    return (
        top_graph(
            "Contents by project",
            "Which project grows, and does garbage collection keep up?",
            PanelUnit.BYTES,
            highest(f"{WORKSPACE}_content_bytes", PROJECT),
            stacked=True,
            empty=EMPTY,
        ),
        top_graph(
            "Versions by project",
            "How many versions are kept?",
            PanelUnit.COUNT,
            highest(f"{WORKSPACE}_versions", PROJECT),
            empty=EMPTY,
        ),
    )
