"""When a secret is old, a restore untried, failed or slow, and a deployment failed."""

from alerting.gates import DRILLS, SECRETS
from tests.alerting.rules.kit import HOUR, Case, Fires, World, exporter, of, steady, step, watched

DAY = 24 * HOUR
KEY = {"secret": "store_access_key", "origin": "file"}
ROTATED = of("hygiene", "nervesys_secret_rotated_timestamp_seconds", **KEY)
LAST_DRILL = of("hygiene", "nervesys_restore_drill_timestamp_seconds")
PIPELINE = {"repository": "owner/fleet", "workflow": "deploy", "branch": "main"}


def ended(conclusion: str, **labels: str) -> World:
    """The newest run of a workflow."""
    labels = PIPELINE | {"conclusion": conclusion} | labels
    return {of("hygiene", "nervesys_deployment_last_run_timestamp_seconds", **labels): steady(60)}


def replaced(days: float, age: str, severity: str) -> Case:
    """A secret that comes of that age an hour into the story."""
    return Case(
        "SecretNotRotated",
        f"{days} days after it was replaced",
        watched(SECRETS) | {ROTATED: steady(HOUR - days * DAY)},
        silent=(HOUR - 300,) if severity == "warning" else (),
        fires=(Fires(HOUR + 300, f"store_access_key was last replaced {age} ago", severity, KEY),),
    )


CASES = (
    replaced(80, "80d 0h 5m 0s", "warning"),
    Case(
        "SecretNotRotated",
        "past both thresholds, both rules hold, and people hear of the worse",
        watched(SECRETS) | {ROTATED: steady(-90 * DAY)},
        fires=tuple(
            Fires(HOUR, "store_access_key was last replaced 90d 1h 0m 0s ago", severity, KEY)
            for severity in ("critical", "warning")
        ),
    ),
    Case(
        "SecretNotRotated",
        "nobody could look",
        exporter(SECRETS, success=steady(0)) | {ROTATED: steady(-100 * DAY)},
        silent=(2 * HOUR,),
    ),
    Case(
        "RestoreDrillOverdue",
        "a month after the last",
        watched(DRILLS) | {LAST_DRILL: steady(HOUR - 30 * DAY)},
        silent=(HOUR - 300,),
        fires=(Fires(HOUR + 300, "The last restore drill is at least 30d 0h 5m 0s old", "warning"),),
    ),
    Case(
        "RestoreDrillFailed",
        "a checksum did not match",
        {of("hygiene", "nervesys_restore_drill_succeeded"): step(600, 1, 0)},
        silent=(585,),
        fires=(Fires(615, "The last restore drill did not bring everything back"),),
    ),
    Case(
        "RestoreDrillSlow",
        "it took a minute more than a quarter of an hour",
        watched(DRILLS) | {of("hygiene", "nervesys_restore_drill_duration_seconds"): step(600, 300, 960)},
        silent=(600,),
        fires=(Fires(2 * HOUR, "The last restore drill took 16m 0s", "warning"),),
    ),
    Case(
        "DeploymentFailed",
        "the newest run on main",
        ended("failure") | ended("failure", workflow="test", branch="idea") | ended("success", workflow="docs"),
        fires=(Fires(600, "deploy failed on main of owner/fleet", "warning", PIPELINE),),
    ),
    Case("DeploymentFailed", "it was cancelled", ended("cancelled"), silent=(600,)),
)
