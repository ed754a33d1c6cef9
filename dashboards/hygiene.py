"""Hygiene: how old are secrets, when was a restore last tried, and how do deployments end?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import PageSection, PanelRow
from dashboards.page import page
from dashboards.style import (
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    MEDIUM,
    SHORT,
    TILE,
    Colour,
    PageContext,
    PanelUnit,
    graph,
    mapping,
    query,
    rising_steps,
    stat,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from nervesys.contract.times import DAY_SECONDS

ROTATED = "min by (secret, origin) (nervesys_secret_rotation_timestamp_seconds)"
AGE = f"time() - {ROTATED}"
RUN = "nervesys_deployment_last_run_timestamp_seconds"
LAST_RUN = f"max by (repository, workflow, branch, conclusion) ({RUN})"
FAILED = 'conclusion=~"failure|timed_out|startup_failure"'
UNKNOWN = "No secrets are listed or found"
NO_DRILL = "No restore drill yet: nervesys drill restore"
NO_RUN = "No GitHub repository is monitored"
WORKED = mapping((0, "failed", Colour.CRITICAL), (1, "succeeded", Colour.GOOD))
ENDED = mapping(
    ("success", "success", Colour.GOOD),
    *((name, name, Colour.CRITICAL) for name in ("failure", "timed_out", "startup_failure")),
    *((name, name, Colour.OFF) for name in ("cancelled", "skipped", "neutral", "stale")),
)


def dashboard(context: PageContext) -> Dashboard:
    """The page of secrets, restore drills and deployments."""
    return page(
        context,
        uid="hygiene",
        title="Hygiene",
        description="The age of secrets, the last restore drill, and how deployments end.",
        since="now-7d",
        sections=(
            PageSection("", (PanelRow(TILE, (*_secrets(context), *_drill(context))),)),
            PageSection("Secrets", (PanelRow(SHORT, (_secret_table(context),), (24,)),)),
            PageSection("Restore drills", (PanelRow(MEDIUM, (_drill_times(context), _drill_sizes())),)),
            PageSection("Deployments", (PanelRow(SHORT, (_deployments(),), (24,)), PanelRow(MEDIUM, _runs()))),
        ),
    )


def _secrets(context: PageContext) -> tuple[Any, ...]:
    ages = context.settings.thresholds.secrets
    return (
        stat(
            "Known secrets",
            "For how many secrets is the age known?",
            PanelUnit.COUNT,
            query("count(count by (secret) (nervesys_secret_rotation_timestamp_seconds))"),
            empty=UNKNOWN,
        ),
        stat(
            "Old secrets",
            f"How many secrets were not rotated for {ages.warning_days:g} days?",
            PanelUnit.COUNT,
            query(f"sum({AGE} > bool {ages.warning_days * DAY_SECONDS:g})"),
            steps=ANY_IS_WARNING,
            empty=UNKNOWN,
        ),
    )


def _drill(context: PageContext) -> tuple[Any, ...]:
    thresholds = context.settings.thresholds
    late = thresholds.drill_late_days * DAY_SECONDS
    return (
        stat(
            "Last drill",
            "How long ago was the last restore drill?",
            PanelUnit.SECONDS,
            query("time() - max(nervesys_restore_drill_timestamp_seconds)"),
            steps=rising_steps(0.8 * late, late),
            empty=NO_DRILL,
        ),
        stat(
            "Drill result",
            "Did the last drill restore everything?",
            PanelUnit.NONE,
            query("max(nervesys_restore_drill_success)"),
            mappings=WORKED,
            empty=NO_DRILL,
        ),
        stat(
            "Drill duration",
            "How long did it take to restore everything?",
            PanelUnit.SECONDS,
            query("max(nervesys_restore_drill_duration_seconds)"),
            steps=rising_steps(thresholds.drill_slow_minutes * 30, thresholds.drill_slow_minutes * 60),
            empty=NO_DRILL,
        ),
        stat(
            "Failed deployments",
            "How many workflows failed in their newest run?",
            PanelUnit.COUNT,
            query(f"count({RUN}{{{FAILED}}}) or 0 * count({RUN})"),
            steps=ANY_IS_CRITICAL,
            empty=NO_RUN,
        ),
    )


def _secret_table(context: PageContext) -> Any:
    ages = context.settings.thresholds.secrets
    return table(
        "Age of each secret",
        "Which secret is to be rotated next? Only names and ages are read, never the values.",
        LabelColumn("secret", "Secret"),
        LabelColumn("origin", "Source"),
        ValueColumn(
            "Age",
            query(AGE),
            PanelUnit.SECONDS,
            rising_steps(ages.warning_days * DAY_SECONDS, ages.critical_days * DAY_SECONDS),
        ),
        ValueColumn("Critical in", query(f"{ages.critical_days * DAY_SECONDS:g} - ({AGE})"), PanelUnit.SECONDS),
        sort="Age",
        empty=UNKNOWN,
    )


def _drill_times(context: PageContext) -> Any:
    slow = context.settings.thresholds.drill_slow_minutes * 60
    return graph(
        "Duration of drills",
        "Do drills take longer than before?",
        PanelUnit.SECONDS,
        query("max(nervesys_restore_drill_duration_seconds)", "last drill"),
        steps=rising_steps(slow / 2, slow),
        empty=NO_DRILL,
    )


def _drill_sizes() -> Any:
    return graph(
        "Restored data",
        "How does the size of the backup change?",
        PanelUnit.BYTES,
        query("max(nervesys_restore_drill_bytes)", "last drill"),
        empty=NO_DRILL,
    )


def _deployments() -> Any:
    return table(
        "Newest run of each workflow",
        "What was deployed last, and did it succeed?",
        LabelColumn("repository", "Repository"),
        LabelColumn("workflow", "Workflow"),
        LabelColumn("branch", "Branch"),
        LabelColumn("conclusion", "Ended", mappings=ENDED),
        ValueColumn("When", query(f"1000 * {LAST_RUN}"), PanelUnit.AGO),
        sort="When",
        empty=NO_RUN,
    )


def _runs() -> tuple[Any, ...]:
    return (
        graph(
            "Duration of runs",
            "Which workflow becomes slower?",
            PanelUnit.SECONDS,
            query(
                "max by (repository, workflow, branch) (nervesys_deployment_last_run_duration_seconds)",
                "{{workflow}} {{branch}}",
            ),
            empty=NO_RUN,
            many=True,
        ),
        graph(
            "Runs by conclusion",
            "How do the newest runs end?",
            PanelUnit.COUNT,
            query("sum by (conclusion) (nervesys_deployment_runs)", "{{conclusion}}"),
            stacked=True,
            empty=NO_RUN,
        ),
    )
