"""Hygiene: how old are secrets, when was a restore last tried, and how do deployments end?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import Line, Section
from dashboards.page import page
from dashboards.style import (
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    MEDIUM,
    SHORT,
    TILE,
    Colour,
    House,
    Unit,
    graph,
    mapping,
    query,
    rising,
    stat,
)
from dashboards.tables import Label, Value, table
from nervesys.contract.times import DAY_SECONDS

ROTATED = "min by (secret, origin) (nervesys_secret_rotation_timestamp_seconds)"
AGE = f"time() - {ROTATED}"
RUN = "nervesys_deployment_last_run_timestamp_seconds"
LAST_RUN = f"max by (repository, workflow, branch, conclusion) ({RUN})"
FAILED = 'conclusion=~"failure|timed_out|startup_failure"'
UNKNOWN = "No secret is listed, and no file of one is seen"
NO_DRILL = "Never tried: nervesys drill restore"
NO_RUN = "No repository on GitHub is watched"
WORKED = mapping((0, "failed", Colour.CRITICAL), (1, "everything came back", Colour.GOOD))
ENDED = mapping(
    ("success", "success", Colour.GOOD),
    *((name, name, Colour.CRITICAL) for name in ("failure", "timed_out", "startup_failure")),
    *((name, name, Colour.OFF) for name in ("cancelled", "skipped", "neutral", "stale")),
)


def dashboard(house: House) -> Dashboard:
    """The page of what is easily forgotten."""
    return page(
        house,
        uid="hygiene",
        title="Hygiene",
        description="The age of secrets, the last restore drill, and how deployments end.",
        since="now-7d",
        sections=(
            Section("", (Line(TILE, (*_secrets(house), *_drill(house))),)),
            Section("Secrets", (Line(SHORT, (_secret_table(house),), (24,)),)),
            Section("Restore drills", (Line(MEDIUM, (_drill_times(house), _drill_sizes())),)),
            Section("Deployments", (Line(SHORT, (_deployments(),), (24,)), Line(MEDIUM, _runs()))),
        ),
    )


def _secrets(house: House) -> tuple[Any, ...]:
    ages = house.settings.thresholds.secrets
    return (
        stat(
            "Known secrets",
            "Of how many secrets is the age known?",
            Unit.COUNT,
            query("count(count by (secret) (nervesys_secret_rotation_timestamp_seconds))"),
            empty=UNKNOWN,
        ),
        stat(
            "Old secrets",
            f"How many were not replaced for {ages.warning_days:g} days?",
            Unit.COUNT,
            query(f"sum({AGE} > bool {ages.warning_days * DAY_SECONDS:g})"),
            steps=ANY_IS_WARNING,
            empty=UNKNOWN,
        ),
    )


def _drill(house: House) -> tuple[Any, ...]:
    thresholds = house.settings.thresholds
    late = thresholds.drill_late_days * DAY_SECONDS
    return (
        stat(
            "Last drill",
            "When was a restore last tried?",
            Unit.SECONDS,
            query("time() - max(nervesys_restore_drill_timestamp_seconds)"),
            steps=rising(0.8 * late, late),
            empty=NO_DRILL,
        ),
        stat(
            "Its outcome",
            "Did it bring everything back?",
            Unit.NONE,
            query("max(nervesys_restore_drill_success)"),
            words=WORKED,
            empty=NO_DRILL,
        ),
        stat(
            "It took",
            "How long would it take to rebuild everything?",
            Unit.SECONDS,
            query("max(nervesys_restore_drill_duration_seconds)"),
            steps=rising(thresholds.drill_slow_minutes * 30, thresholds.drill_slow_minutes * 60),
            empty=NO_DRILL,
        ),
        stat(
            "Failed deployments",
            "How many workflows ended badly in their newest run?",
            Unit.COUNT,
            query(f"count({RUN}{{{FAILED}}}) or 0 * count({RUN})"),
            steps=ANY_IS_CRITICAL,
            empty=NO_RUN,
        ),
    )


def _secret_table(house: House) -> Any:
    ages = house.settings.thresholds.secrets
    return table(
        "Age of each secret",
        "Which secret is to be replaced next? Names and ages only; nobody reads what they hold.",
        Label("secret", "Secret"),
        Label("origin", "Known by"),
        Value(
            "Age",
            query(AGE),
            Unit.SECONDS,
            rising(ages.warning_days * DAY_SECONDS, ages.critical_days * DAY_SECONDS),
        ),
        Value("Critical in", query(f"{ages.critical_days * DAY_SECONDS:g} - ({AGE})"), Unit.SECONDS),
        sort="Age",
        empty=UNKNOWN,
    )


def _drill_times(house: House) -> Any:
    slow = house.settings.thresholds.drill_slow_minutes * 60
    return graph(
        "Duration of drills",
        "Does it take longer than it used to?",
        Unit.SECONDS,
        query("max(nervesys_restore_drill_duration_seconds)", "last drill"),
        steps=rising(slow / 2, slow),
        empty=NO_DRILL,
    )


def _drill_sizes() -> Any:
    return graph(
        "Size of what came back",
        "Does the backup hold more and more, or suddenly less?",
        Unit.BYTES,
        query("max(nervesys_restore_drill_bytes)", "last drill"),
        empty=NO_DRILL,
    )


def _deployments() -> Any:
    return table(
        "Newest run of each workflow",
        "What was deployed last, and did it go well?",
        Label("repository", "Repository"),
        Label("workflow", "Workflow"),
        Label("branch", "Branch"),
        Label("conclusion", "Ended", words=ENDED),
        Value("When", query(f"1000 * {LAST_RUN}"), Unit.AGO),
        sort="When",
        empty=NO_RUN,
    )


def _runs() -> tuple[Any, ...]:
    return (
        graph(
            "Duration of runs",
            "Which workflow grows slower?",
            Unit.SECONDS,
            query(
                "max by (repository, workflow, branch) (nervesys_deployment_last_run_duration_seconds)",
                "{{workflow}} {{branch}}",
            ),
            empty=NO_RUN,
        ),
        graph(
            "Runs by conclusion",
            "How do the newest runs end?",
            Unit.COUNT,
            query("sum by (conclusion) (nervesys_deployment_runs)", "{{conclusion}}"),
            stacked=True,
            empty=NO_RUN,
        ),
    )
