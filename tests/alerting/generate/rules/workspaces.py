"""When a project's workspace is damaged, torn or without a snapshot."""

from tests.alerting.generate.rules.kit import HOUR, Case, Fires, Story, World, now, of, steady, step

APOLLO = {"project": "apollo"}
WEEK = 7 * 24 * HOUR


def apollo(**families: Story) -> World:
    """The exporter's series of one project, which is intact unless families are given."""
    whole = dict.fromkeys(("mismatched_contents", "broken_versions", "damaged_lines", "torn_lines"), steady(0))
    return {
        of("workspace", f"nervesys_workspace_{name}", **APOLLO): story for name, story in (whole | families).items()
    }


def old_snapshot(t: float) -> float:
    """Its newest was made a week ago when the story is two hours old."""
    return 2 * HOUR - WEEK


CASES = (
    Case(
        "WorkspaceDamaged",
        "a content no longer matches its hash",
        apollo(mismatched_contents=step(600, 0, 1)),
        silent=(585,),
        fires=(Fires(615, "1 contents, versions or lines of apollo are damaged", labels=APOLLO),),
        mended=apollo(),
    ),
    Case(
        "WorkspaceLinesTorn",
        "a disk was full for a moment",
        apollo(torn_lines=step(600, 2, 3)),
        silent=(585, 600 + 2 * HOUR),
        fires=(Fires(615, "Unfinished lines of apollo were set aside", "warning", APOLLO),),
    ),
    Case(
        "WorkspaceSnapshotOverdue",
        "it is worked on without a snapshot for a week",
        apollo(newest_snapshot_timestamp_seconds=old_snapshot, last_event_timestamp_seconds=lambda t: t - 60),
        silent=(2 * HOUR,),
        fires=(Fires(2 * HOUR + 15, "The newest snapshot of apollo is 7d 0h 0m 15s old", "warning", APOLLO),),
        mended=apollo(newest_snapshot_timestamp_seconds=now),
    ),
    Case(
        "WorkspaceSnapshotOverdue",
        "nobody works on it",
        apollo(newest_snapshot_timestamp_seconds=old_snapshot, last_event_timestamp_seconds=steady(-25 * HOUR)),
        silent=(3 * HOUR,),
    ),
)
