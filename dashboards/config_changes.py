"""Config Changes: who changed what in the brain, when, and what came of it?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.correct import Query
from dashboards.layout import Line, Section
from dashboards.page import chosen, page
from dashboards.recording import RECORDS_OF_FLEET, TASKS_OF_FLEET, TOKENS_OF_FLEET, Rise
from dashboards.style import (
    AGENT_CELL,
    MEDIUM,
    NONE_IS_CRITICAL,
    TALL,
    TILE,
    Colour,
    House,
    Unit,
    graph,
    query,
    stat,
)
from dashboards.tables import Label, Value, table
from dashboards.top_n import ROWS, Top
from nervesys.metrics import Period

ERRORS = 'level="ERROR"'


def dashboard(house: House) -> Dashboard:
    """The page of the brain and of its changes."""
    return page(
        house,
        uid="config-changes",
        title="Config Changes",
        description="Who changed what in the brain, when, and whether the fleet fared better or worse after it.",
        since="now-7d",
        variables=(chosen("commit", "Commit", "label_values(nervesys_brain_config_change_timestamp_seconds, commit)"),),
        sections=(
            Section("", (Line(TILE, _tiles()), Line(TALL, (_changes(), _agents()), (14, 10)))),
            Section(
                "What came of it (changes are marked)", (Line(TILE, _compared(house)), Line(MEDIUM, _effects(house)))
            ),
        ),
    )


def _tiles() -> tuple[Any, ...]:
    return (
        stat(
            "Agents configured",
            "How many agents does the brain know?",
            Unit.COUNT,
            query("count(max by (agent) (nervesys_brain_agent_info)) or vector(0)"),
            steps=NONE_IS_CRITICAL,
        ),
        stat(
            "Commits", "How many commits has the brain's main branch?", Unit.COUNT, query("max(nervesys_brain_commits)")
        ),
        stat(
            "Last commit",
            "When was anything in the brain last changed?",
            Unit.AGO,
            query("1000 * max(nervesys_brain_last_commit_timestamp_seconds)"),
            empty="never",
        ),
        stat(
            "Last config change",
            "When was a configuration file last changed?",
            Unit.AGO,
            query("1000 * max(nervesys_brain_config_change_timestamp_seconds)"),
            empty="never",
        ),
        stat(
            "Collaborators",
            "How many AI collaborators does CONTRIBUTORS.json name?",
            Unit.COUNT,
            query("count(max by (name) (nervesys_brain_collaborator_info)) or vector(0)"),
        ),
        stat(
            "Brain last read",
            "How old is what is shown here?",
            Unit.AGO,
            query('1000 * max(nervesys_exporter_last_success_timestamp_seconds{source="brain"})'),
            empty="never",
        ),
    )


def _changes() -> Any:
    return table(
        "Changes",
        "Who changed which file of the configuration, and when?",
        Value(
            "When",
            query("1000 * max by (file, author, commit) (nervesys_brain_config_change_timestamp_seconds)"),
            Unit.AGO,
        ),
        Label("file", "File"),
        Label("author", "Author"),
        Label("commit", "Commit"),
        sort="When",
        empty="No configuration file was ever changed",
    )


def _agents() -> Any:
    configured, statuses = "nervesys_brain_agent_info", "nervesys_brain_agent_status_timestamp_seconds"
    newest = f"max by (agent) ({statuses})"
    quiet = Top("quiet", f"{newest} or 0 * max by (agent) ({configured})", "agent", ROWS, lowest=True)

    def of_quiet(family: str, by: str = "agent", scale: str = "") -> Query:
        return quiet.of(query(f"{scale}max by ({by}) ({family}{{{quiet.matcher}}})"))

    return table(
        "Agents by the brain",
        "Which agents are configured, and when did each last tell the brain its status? "
        f"At most {ROWS}: those that told it longest ago.",
        Label("agent", "Agent", links=(AGENT_CELL,)),
        Label("role", "Role"),
        Value("", of_quiet(configured, "agent, role")),
        Value("Status told", of_quiet(statuses, scale="1000 * "), Unit.AGO),
        Value("Error lines", of_quiet("nervesys_brain_error_log_lines"), Unit.COUNT),
        sort="Agent",
        rising=True,
        empty="The brain knows no agent",
    )


def _compared(house: House) -> tuple[Any, ...]:
    def compared(title: str, question: str, rise: Rise, matchers: str = "") -> Any:
        rate = rise.per_minute(house.periods, matchers)
        return _before_and_after(f"{title}, before and after", question, house, rise.period, rate)

    return (
        compared("Errors", "Were errors logged more often?", RECORDS_OF_FLEET, ERRORS),
        compared("Failed tasks", "Did tasks fail more often?", TASKS_OF_FLEET, 'outcome="failed"'),
        compared("Completed tasks", "Did less succeed?", TASKS_OF_FLEET, 'outcome="completed"'),
        compared("Tokens", "Were more tokens used?", TOKENS_OF_FLEET),
    )


def _before_and_after(title: str, question: str, house: House, period: Period, rate: str) -> Any:
    """Means over the parts of the time range before and after the newest change of the commits that are chosen."""
    changed = 'max(nervesys_brain_config_change_timestamp_seconds{commit=~"$commit"} @ end())'

    def mean(when: str, legend: str) -> Query:
        steps = f"[$__range:{house.every(Period.SHIP)}]"
        return Query(
            expr=f"avg_over_time(({rate} and on () ({changed} {when} time())){steps})",
            legendFormat=legend,
            interval=house.every(period),
        )

    return stat(
        title,
        f"{question} Means of the fleet before and after the newest change chosen above, within the time range.",
        Unit.PER_MINUTE,
        mean(">", "before"),
        mean("<=", "after"),
        named=True,
    )


def _effects(house: House) -> tuple[Any, ...]:
    return (
        graph(
            "Errors of the fleet",
            "Did errors rise after a change?",
            Unit.PER_MINUTE,
            house.shipped(RECORDS_OF_FLEET.per_minute(house.periods, ERRORS, "category"), "{{category}}"),
            stacked=True,
            empty="No error was logged",
        ),
        graph(
            "Tasks of the fleet",
            "Did less succeed, or more fail, after a change?",
            Unit.PER_MINUTE,
            query(TASKS_OF_FLEET.per_minute(house.periods, by="outcome"), "{{outcome}}"),
            colours={"completed": Colour.GOOD, "failed": Colour.CRITICAL},
        ),
        graph(
            "Tokens of the fleet",
            "Did the use of tokens change with a model or a setting?",
            Unit.PER_MINUTE,
            house.shipped(TOKENS_OF_FLEET.per_minute(house.periods, by="model"), "{{model}}"),
            stacked=True,
            empty="No use of tokens was logged",
        ),
    )
