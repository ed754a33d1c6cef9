"""When artifacts are damaged, lost, stuck, or wait for their service."""

from exporters.artifacts.checksums import ORIGIN as CHECKSUMS
from exporters.artifacts.files import ORIGIN as ARTIFACT_FILES
from exporters.artifacts.manifests import ORIGIN as ARTIFACTS
from exporters.artifacts.waiting import ORIGIN as ARTIFACTS_WAITING
from tests.alerting.generate.rules.kit import (
    GONE,
    HOUR,
    MINUTE,
    Case,
    Fires,
    Story,
    World,
    configured,
    exporter,
    of,
    steady,
    step,
    until,
    watched,
)

GROK = {"agent": "grok"}


def artifact(name: str, story: Story, **labels: str) -> World:
    return {of("artifacts", f"nervesys_artifact_{name}", **labels): story}


def rising(per_second: float) -> Story:
    return lambda t: t * per_second


CASES = (
    Case(
        "ArtifactContentDamaged",
        "a content no longer matches its checksum",
        watched(CHECKSUMS) | artifact("checksum_mismatches", step(HOUR, 0, 1)),
        silent=(HOUR + 225,),
        fires=(Fires(HOUR + 255, "1 artifacts are not what was put there"),),
        mended=artifact("checksum_mismatches", steady(0)),
    ),
    Case(
        "ArtifactContentDamaged",
        "nobody has looked for long",
        watched(CHECKSUMS) | exporter(CHECKSUMS, success=until(HOUR)) | artifact("checksum_mismatches", steady(1)),
        silent=(2 * HOUR,),
    ),
    Case(
        "ArtifactContentMissing",
        "a bucket deletes by a rule of its own",
        watched(ARTIFACT_FILES) | artifact("missing_files", step(HOUR, 0, 7)),
        silent=(HOUR + 2385,),
        fires=(Fires(HOUR + 2415, "7 artifacts have lost their content"),),
        mended=artifact("missing_files", steady(0)),
    ),
    Case(
        "ArtifactOrphans",
        "agents were killed between two steps",
        watched(ARTIFACT_FILES) | artifact("orphan_files", step(HOUR, 0, 3)),
        silent=(27 * HOUR - MINUTE,),
        fires=(Fires(27 * HOUR, "3 files have no manifest", "info"),),
        mended=artifact("orphan_files", steady(0)),
    ),
    Case(
        "ArtifactUploadStuck",
        "its agent never came back to it",
        artifact("oldest_upload_timestamp_seconds", steady(0)),
        silent=(26 * HOUR,),
        fires=(Fires(26 * HOUR + MINUTE, "An artifact has been uploading for 1d 2h 1m 0s", "info"),),
        mended=artifact("oldest_upload_timestamp_seconds", GONE),
    ),
    Case(
        "ArtifactsWaiting",
        "the service is away",
        artifact("oldest_waiting_request_timestamp_seconds", steady(0), **GROK),
        silent=(900,),
        fires=(Fires(915, "grok has waited 15m 15s to register what it made", "warning", GROK),),
        mended=artifact("oldest_waiting_request_timestamp_seconds", GONE, **GROK),
    ),
    Case(
        "ArtifactsRefused",
        "it is no member of the trace",
        watched(ARTIFACTS_WAITING) | configured() | artifact("refused_requests", step(HOUR, 0, 2), **GROK),
        silent=(HOUR + 225,),
        fires=(Fires(HOUR + 255, "2 requests of grok were refused by the service of artifacts", "warning", GROK),),
        mended=artifact("refused_requests", steady(0), **GROK),
    ),
    Case(
        "ArtifactStepsFailing",
        "one in five minutes",
        watched(ARTIFACTS) | artifact("step_duration_seconds_count", rising(1 / 300), status="failed"),
        silent=(3000,),
        fires=(Fires(3060, "10.2 steps failed within an hour", "warning"),),
        mended=artifact("step_duration_seconds_count", steady(10.25), status="failed"),
        within=70 * MINUTE,
    ),
    Case(
        "ArtifactCommitsFailing",
        "its disk is full",
        {of("artifacts-service", "nervesys_artifact_commit_failures_total"): step(HOUR, 0, 3)},
        silent=(HOUR - 15, HOUR + 15 * MINUTE),
        fires=(Fires(HOUR + 15, "The service of artifacts cannot write its database"),),
    ),
)
