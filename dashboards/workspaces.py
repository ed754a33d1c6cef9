"""Workspaces: what do the projects hold, does it move, and is it whole?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.correct import Query
from dashboards.layout import Line, Section
from dashboards.page import page
from dashboards.style import ANY_IS_CRITICAL, ANY_IS_WARNING, MEDIUM, TILE, House, Unit, graph, query, stat
from dashboards.tables import Label, Value, table
from dashboards.top_n import NOW, ROWS, Top, fastest, highest, most

EMPTY = "No project yet"
WORKSPACE, PROJECT = "nervesys_workspace", "project"


def dashboard(house: House) -> Dashboard:
    """The page of all projects."""
    return page(
        house,
        uid="workspaces",
        title="Workspaces",
        description="Event histories, versioned files and snapshots of the projects, and whether they are whole.",
        since="now-6h",
        sections=(
            Section("", (Line(TILE, _tiles()),)),
            Section("Each project", (Line(MEDIUM, (_projects(),), (24,)),)),
            Section("Movement", (Line(MEDIUM, _movement(), (12, 12)), Line(MEDIUM, _growth(), (12, 12)))),
        ),
    )


def _of_project(family: str, matchers: str = "") -> str:
    return f"max by (project) ({WORKSPACE}_{family}{{{matchers}}})"


def _total(title: str, question: str, family: str, unit: Unit, **style: Any) -> Any:
    return stat(title, question, unit, query(f"sum({_of_project(family)})"), empty=EMPTY, **style)


def _tiles() -> tuple[Any, ...]:
    return (
        stat(
            "Projects", "How many projects are there?", Unit.COUNT, query(f"count({_of_project('files')})"), empty=EMPTY
        ),
        _total("Files", "How many files do the projects hold?", "files", Unit.COUNT),
        _total("Contents", "How much disk do all versions take?", "content_bytes", Unit.BYTES),
        _total(
            "Torn lines",
            "How many lines were left unfinished, and set aside?",
            "torn_lines",
            Unit.COUNT,
            steps=ANY_IS_WARNING,
        ),
        _total("Unreadable lines", "Is any event or version lost?", "damaged_lines", Unit.COUNT, steps=ANY_IS_CRITICAL),
        _total(
            "Broken chains",
            "Is a version missing between two others?",
            "broken_versions",
            Unit.COUNT,
            steps=ANY_IS_CRITICAL,
        ),
        _total(
            "Damaged contents",
            "Does any content no longer match its hash?",
            "mismatched_contents",
            Unit.COUNT,
            steps=ANY_IS_CRITICAL,
        ),
    )


def _projects() -> Any:
    largest = Top("largest", _of_project("file_bytes"), PROJECT, ROWS)

    def of(family: str, scale: str = "") -> Query:
        return largest.of(query(scale + _of_project(family, largest.matcher)))

    return table(
        "What each project holds",
        f"What does each project hold, and when did it last move? The {ROWS} largest.",
        Label("project", "Project"),
        Value("Last event", of("last_event_timestamp_seconds", "1000 * "), Unit.AGO),
        Value("Segments", of("segments"), Unit.COUNT),
        Value("Files", of("files"), Unit.COUNT),
        Value("Size", of("file_bytes"), Unit.BYTES),
        Value("Versions", of("versions"), Unit.COUNT),
        Value("Snapshots", of("snapshots"), Unit.COUNT),
        Value("Newest snapshot", of("newest_snapshot_timestamp_seconds", "1000 * "), Unit.AGO),
        sort="Size",
        empty=EMPTY,
    )


def _movement() -> tuple[Any, ...]:
    events = f"{WORKSPACE}_events_total"
    return (
        most(
            "Events by project",
            "Which project is being worked on?",
            Unit.PER_MINUTE,
            fastest(events, PROJECT),
            empty=EMPTY,
        ),
        graph(
            "Events by type",
            "What happens in the projects?",
            Unit.PER_MINUTE,
            query(f"60 * sum by (type) (rate({events}{NOW}))", "{{type}}"),
            stacked=True,
            empty=EMPTY,
        ),
    )


def _growth() -> tuple[Any, ...]:
    return (
        most(
            "Contents by project",
            "Which project grows, and does cleaning up keep pace?",
            Unit.BYTES,
            highest(f"{WORKSPACE}_content_bytes", PROJECT),
            stacked=True,
            empty=EMPTY,
        ),
        most(
            "Versions by project",
            "How much is written, and how much is forgotten?",
            Unit.COUNT,
            highest(f"{WORKSPACE}_versions", PROJECT),
            empty=EMPTY,
        ),
    )
