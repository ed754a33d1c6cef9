"""Config Changes: who changed what in the brain, when, and with which effect?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.grafana_json import PrometheusTarget
from dashboards.layout import PageSection, PanelRow
from dashboards.page import page, query_variable
from dashboards.recording import RECORDS_OF_FLEET, TASKS_OF_FLEET, TOKENS_OF_FLEET, CounterIncrease
from dashboards.style import (
    AGENT_CELL,
    MEDIUM,
    NONE_IS_CRITICAL,
    TALL,
    TILE,
    Colour,
    PageContext,
    PanelUnit,
    graph,
    query,
    stat,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import ROWS, TopVariable
from nervesys.metrics import Period

ERRORS = 'level="ERROR"'


def dashboard(context: PageContext) -> Dashboard:
    """The page of the brain and of its changes."""
    return page(
        context,
        uid="config-changes",
        title="Config Changes",
        description="Who changed what in the brain, when, and whether the fleet did better or worse afterwards.",
        since="now-7d",
        variables=(
            query_variable("commit", "Commit", "label_values(nervesys_brain_config_change_timestamp_seconds, commit)"),
        ),
        sections=(
            PageSection("", (PanelRow(TILE, _tiles()), PanelRow(TALL, (_changes(), _agents()), (14, 10)))),
            PageSection(
                "Effects (changes are marked)",
                (PanelRow(TILE, _compared(context)), PanelRow(MEDIUM, _effects(context))),
            ),
        ),
    )


def _tiles() -> tuple[Any, ...]:
    return (
        stat(
            "Agents configured",
            "How many agents are configured in the brain?",
            PanelUnit.COUNT,
            query("count(max by (agent) (nervesys_brain_agent_info)) or vector(0)"),
            steps=NONE_IS_CRITICAL,
        ),
        stat(
            "Commits",
            "How many commits has the brain's main branch?",
            PanelUnit.COUNT,
            query("max(nervesys_brain_commits)"),
        ),
        stat(
            "Last commit",
            "When was the last commit in the brain?",
            PanelUnit.AGO,
            query("1000 * max(nervesys_brain_last_commit_timestamp_seconds)"),
            empty="never",
        ),
        stat(
            "Last config change",
            "When was a configuration file last changed?",
            PanelUnit.AGO,
            query("1000 * max(nervesys_brain_config_change_timestamp_seconds)"),
            empty="never",
        ),
        stat(
            "Collaborators",
            "How many AI collaborators are listed in CONTRIBUTORS.json?",
            PanelUnit.COUNT,
            query("count(max by (name) (nervesys_brain_collaborator_info)) or vector(0)"),
        ),
        stat(
            "Brain last read",
            "How old is the data on this page?",
            PanelUnit.AGO,
            query('1000 * max(nervesys_exporter_last_success_timestamp_seconds{source="brain"})'),
            empty="never",
        ),
    )


def _changes() -> Any:
    return table(
        "Changes",
        "Who changed which file of the configuration, and when?",
        ValueColumn(
            "When",
            query("1000 * max by (file, author, commit, subject) (nervesys_brain_config_change_timestamp_seconds)"),
            PanelUnit.AGO,
        ),
        LabelColumn("file", "File"),
        LabelColumn("author", "Who"),
        LabelColumn("subject", "Why"),
        LabelColumn("commit", "Commit"),
        sort="When",
        empty="No changes of configuration files",
    )


def _agents() -> Any:
    configured, statuses = "nervesys_brain_agent_info", "nervesys_brain_agent_status_timestamp_seconds"
    newest = f"max by (agent) ({statuses})"
    quiet = TopVariable("quiet", f"{newest} or 0 * max by (agent) ({configured})", "agent", ROWS, lowest=True)

    def of_quiet(family: str, by: str = "agent", scale: str = "") -> PrometheusTarget:
        return quiet.of(query(f"{scale}max by ({by}) ({family}{{{quiet.matcher}}})"))

    return table(
        "Agents in the brain",
        "Which agents are configured, and when did each last write its status to the brain? "
        f"At most {ROWS}: those with the oldest status.",
        LabelColumn("agent", "Agent", links=(AGENT_CELL,)),
        LabelColumn("role", "Role"),
        ValueColumn("", of_quiet(configured, "agent, role")),
        ValueColumn("Status written", of_quiet(statuses, scale="1000 * "), PanelUnit.AGO),
        ValueColumn("Error lines", of_quiet("nervesys_brain_error_log_lines"), PanelUnit.COUNT),
        sort="Agent",
        ascending=True,
        empty="No agent is configured",
    )


def _compared(context: PageContext) -> tuple[Any, ...]:
    def compared(title: str, question: str, increase: CounterIncrease, matchers: str = "") -> Any:
        rate = increase.per_minute(context.periods, matchers)
        return _before_and_after(f"{title}, before and after", question, context, increase.period, rate)

    return (
        compared("Errors", "Were errors logged more often?", RECORDS_OF_FLEET, ERRORS),
        compared("Failed tasks", "Did tasks fail more often?", TASKS_OF_FLEET, 'outcome="failed"'),
        compared("Completed tasks", "Were fewer tasks completed?", TASKS_OF_FLEET, 'outcome="completed"'),
        compared("Tokens", "Were more tokens used?", TOKENS_OF_FLEET),
    )


def _before_and_after(title: str, question: str, context: PageContext, period: Period, rate: str) -> Any:
    """Means over the parts of the time range before and after the newest change of the commits that are chosen."""
    # The window is Prometheus' own look back: VictoriaMetrics has none for `@ end()` of a subquery.
    changed = 'max(last_over_time(nervesys_brain_config_change_timestamp_seconds{commit=~"$commit"}[5m] @ end()))'

    def mean(when: str, legend: str) -> PrometheusTarget:
        steps = f"[$__range:{context.duration_of(Period.SHIP)}]"
        return PrometheusTarget(
            expr=f"avg_over_time(({rate} and on () ({changed} {when} time())){steps})",
            legendFormat=legend,
            interval=context.duration_of(period),
        )

    return stat(
        title,
        f"{question} Means of the fleet before and after the newest change chosen above, within the time range.",
        PanelUnit.PER_MINUTE,
        mean(">", "before"),
        mean("<=", "after"),
        named=True,
    )


def _effects(context: PageContext) -> tuple[Any, ...]:
    return (
        graph(
            "Errors of the fleet",
            "Did errors rise after a change?",
            PanelUnit.PER_MINUTE,
            context.log_query(RECORDS_OF_FLEET.per_minute(context.periods, ERRORS, "category"), "{{category}}"),
            stacked=True,
            empty="No error was logged",
            many=True,
        ),
        graph(
            "Tasks of the fleet",
            "Were fewer tasks completed, or did more fail, after a change?",
            PanelUnit.PER_MINUTE,
            query(TASKS_OF_FLEET.per_minute(context.periods, by="outcome"), "{{outcome}}"),
            colours={"completed": Colour.GOOD, "failed": Colour.CRITICAL},
        ),
        graph(
            "Tokens of the fleet",
            "Did the use of tokens change with a model or a setting?",
            PanelUnit.PER_MINUTE,
            context.log_query(TOKENS_OF_FLEET.per_minute(context.periods, by="model"), "{{model}}"),
            stacked=True,
            empty="No token usage was logged",
        ),
    )
