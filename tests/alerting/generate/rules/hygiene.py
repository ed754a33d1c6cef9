"""When a secret is old, a restore untried, failed or slow, and a deployment failed."""

from exporters.hygiene.drills import ORIGIN as DRILLS
from exporters.hygiene.secrets import ORIGIN as SECRETS
from tests.alerting.generate.rules.kit import (
    GONE,
    HOUR,
    Case,
    Fires,
    Story,
    World,
    exporter,
    from_,
    now,
    of,
    steady,
    step,
    watched,
)

DAY = 24 * HOUR
KEY = {"secret": "store_access_key", "origin": "file"}
ROTATED = of("hygiene", "nervesys_secret_rotation_timestamp_seconds", **KEY)
LAST_DRILL = of("hygiene", "nervesys_restore_drill_timestamp_seconds")
SUCCEEDED = of("hygiene", "nervesys_restore_drill_success")
TOOK = of("hygiene", "nervesys_restore_drill_duration_seconds")
ONCE = steady(60)
PIPELINE = {"repository": "owner/fleet", "workflow": "deploy", "branch": "main"}


def ended(conclusion: str, story: Story = ONCE, **labels: str) -> World:
    """The newest run of a workflow."""
    labels = PIPELINE | {"conclusion": conclusion} | labels
    return {of("hygiene", "nervesys_deployment_last_run_timestamp_seconds", **labels): story}


def old(at: float, age: str, *severities: str) -> tuple[Fires, ...]:
    return tuple(Fires(at, f"store_access_key was last replaced {age} ago", item, KEY) for item in severities)


CASES = (
    Case(
        "SecretNotRotated",
        "80 days after it was replaced",
        watched(SECRETS) | {ROTATED: steady(HOUR - 80 * DAY)},
        silent=(HOUR,),
        fires=old(HOUR + 15, "80d 0h 0m 15s", "warning"),
        mended={ROTATED: now},
    ),
    Case(
        "SecretNotRotated",
        "past both thresholds, both rules hold, and people hear of the worse",
        watched(SECRETS) | {ROTATED: steady(HOUR - 90 * DAY)},
        fires=old(HOUR, "90d 0h 0m 0s", "warning") + old(HOUR + 15, "90d 0h 0m 15s", "warning", "critical"),
        mended={ROTATED: now},
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
        silent=(HOUR,),
        fires=(Fires(HOUR + 15, "The last restore drill is at least 30d 0h 0m 15s old", "warning"),),
        mended={LAST_DRILL: now},
    ),
    Case(
        "RestoreDrillFailed",
        "a checksum did not match",
        {SUCCEEDED: step(600, 1, 0)},
        silent=(585,),
        fires=(Fires(615, "The last restore drill did not bring everything back"),),
        mended={SUCCEEDED: steady(1)},
    ),
    Case(
        "RestoreDrillSlow",
        "it took a minute more than a quarter of an hour",
        watched(DRILLS) | {TOOK: step(600, 300, 960)},
        silent=(600, 1785),
        fires=(Fires(1815, "The last restore drill took 16m 0s", "warning"),),
        mended={TOOK: steady(300)},
    ),
    Case(
        "DeploymentFailed",
        "the newest run on main",
        ended("failure", from_(600, steady(60)))
        | ended("failure", workflow="test", branch="idea")
        | ended("success", workflow="docs"),
        silent=(585,),
        fires=(Fires(615, "deploy failed on main of owner/fleet", "warning", PIPELINE),),
        mended=ended("failure", GONE) | ended("success"),
    ),
    Case("DeploymentFailed", "it was cancelled", ended("cancelled"), silent=(600,)),
)
