"""Source `hygiene`, areas `secrets` and `drills`: a brain and a folder of secrets in, what is shown of them out.

Covers: exporters.hygiene, exporters.hygiene.branches, exporters.hygiene.drills, exporters.hygiene.secrets.
"""

import logging
import os
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from exporters.hygiene import SOURCE
from exporters.runner import Runner
from nervesys.settings import StartupSettings
from tests.brains import NOON, write
from tests.exporters.kit import HandClock, context
from tests.exporters.store.bucket import read_series

DAY = 86_400
LIST = b"secrets: {GITHUB_TOKEN: 2025-12-01, slack_url: '2025-10-01'}\n"
DRILL = (
    b'{"timestamp": "2026-01-01T11:00:00Z", "succeeded": true, "duration_seconds": 12.5, "files": 40, "bytes": 4096,'
    b' "backup": "Backups/full_backup_2025-12-31.tar.gz", "backup_timestamp": "2025-12-31T00:00:00Z"}'
)


class World:
    """A brain, a home with secrets, and the source over both."""

    def __init__(self, home: Path) -> None:
        self.home, self.repository = home, home / "brain.git"
        write(self.repository, {"config/secrets.yaml": LIST})
        write(self.repository, {"state/restore_drill.json": DRILL}, branch="state")
        (home / "secrets").mkdir()
        place = StartupSettings(home, str(self.repository))
        self.runner = Runner(SOURCE, replace(context(HandClock(NOON), source="hygiene"), place=place))

    def secret(self, name: str, days: int, value: str = "hunter2") -> Path:
        path = self.home / "secrets" / name
        path.write_text(value)
        os.utime(path, (NOON - days * DAY, NOON - days * DAY))
        return path

    def run(self, *, works: bool = True) -> dict[str, float]:
        passes = [self.runner.run_once(area) for area in ("secrets", "drills")]
        assert passes == [works, works], self.runner.problems()
        return read_series(self.runner.snapshot().plain)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def ages(seen: dict[str, float]) -> dict[str, float]:
    """Days, by name and origin."""
    prefix = "secret_rotation_timestamp_seconds"
    return {
        series.removeprefix(prefix): round((NOON - at) / DAY, 2)
        for series, at in seen.items()
        if series.startswith(prefix)
    }


def test_the_age_of_secrets_by_list_and_by_file(world: World) -> None:
    world.secret("store_access_key", 81)
    world.secret(".hidden", 81)
    for folder in ("artifacts", ".hidden-too"):
        (world.home / "secrets" / folder).mkdir()
        world.secret(f"{folder}/grok", 40)
    world.secret("artifacts/.part", 40)
    assert ages(world.run()) == {
        '{secret="GITHUB_TOKEN",origin="list"}': 31.5,
        '{secret="slack_url",origin="list"}': 92.5,
        '{secret="store_access_key",origin="file"}': 81,
        '{secret="artifacts/grok",origin="file"}': 40,
    }


def test_a_secret_that_was_replaced_is_young_again(world: World) -> None:
    world.secret("store_access_key", 100)
    world.run()
    world.secret("store_access_key", 0, "another")
    write(world.repository, {"config/secrets.yaml": b"secrets: {GITHUB_TOKEN: 2026-01-01}\n"})
    assert ages(world.run()) == {
        '{secret="GITHUB_TOKEN",origin="list"}': 0.5,
        '{secret="store_access_key",origin="file"}': 0,
    }


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"secrets: {GITHUB_TOKEN: ghp_16C7e42F292c6912E7}\n", "bad_value"),
        (b"secrets: {GITHUB_TOKEN: 20251201123456}\n", "bad_value"),
        (b"secrets: {GITHUB_TOKEN: {value: hunter2}}\n", "bad_value"),
        (b"secrets: {'ghp 16C7e42F292c6912E7': 2025-12-01}\n", "bad_value"),
        (b"secrets: {GITHUB_TOKEN: 2026-03-01}\n", "future"),
        (b"secrets: [\n", "bad_value"),
        (b"\xff", "bad_value"),
    ],
)
def test_a_list_that_holds_anything_but_dates_is_refused_and_never_quoted(
    world: World, body: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.run()
    write(world.repository, {"config/secrets.yaml": body})
    seen = world.run()
    assert seen[f'exporter_rejected_objects_total{{reason="{reason}",source="hygiene"}}'] == 1
    assert '{secret="GITHUB_TOKEN",origin="list"}' in ages(seen), "what was known stays"
    for value in ("16C7e42F292c6912E7", "20251201123456", "hunter2"):
        assert value not in caplog.text + world.runner.snapshot().plain.decode()


def test_the_last_drill_is_shown_as_it_was_recorded(world: World) -> None:
    drill = {series: value for series, value in world.run().items() if series.startswith("restore_drill_")}
    assert drill == {
        "restore_drill_timestamp_seconds": NOON - 3600,
        "restore_drill_success": 1,
        "restore_drill_duration_seconds": 12.5,
        "restore_drill_files": 40,
        "restore_drill_bytes": 4096,
        "restore_drill_backup_timestamp_seconds": NOON - 1.5 * DAY,
    }


def test_a_broken_record_is_rejected_and_the_previous_record_stays(world: World) -> None:
    world.run()
    write(world.repository, {"state/restore_drill.json": b'{"timestamp": 1}'}, branch="state")
    seen = world.run()
    assert seen['exporter_rejected_objects_total{reason="bad_value",source="hygiene"}'] == 1
    assert seen["restore_drill_success"] == 1


def test_files_and_the_last_copy_are_shown_while_the_brain_is_away(world: World) -> None:
    world.run()
    world.repository.rename(world.home / "away.git")
    world.secret("store_access_key", 7)
    seen = world.run(works=False)
    assert len(ages(seen)) == 3
    assert seen["restore_drill_success"] == 1
    assert seen['exporter_up{area="secrets",source="hygiene"}'] == 0


def test_a_brain_that_is_a_plain_folder_has_a_list_and_no_drill(tmp_path: Path) -> None:
    (tmp_path / "brain/config").mkdir(parents=True)
    (tmp_path / "brain/config/secrets.yaml").write_bytes(LIST)
    opened = replace(
        context(HandClock(NOON), source="hygiene"), place=StartupSettings(tmp_path, str(tmp_path / "brain"))
    )
    runner = Runner(SOURCE, opened)
    assert runner.run_once("secrets")
    assert runner.run_once("drills")
    assert len(ages(read_series(runner.snapshot().plain))) == 2


def test_a_renamed_branch_leaves_what_was_shown(world: World) -> None:
    for area in ("secrets", "drills"):
        assert world.runner.run_once(area), world.runner.problems()
    before = world.runner.snapshot().plain.decode()
    pygit2.Repository(str(world.repository)).branches["main"].rename("trunk")
    for area in ("secrets", "drills"):
        assert not world.runner.run_once(area)
    assert families(world.runner.snapshot().plain.decode()) == families(before)


def families(text: str) -> list[str]:
    """The lines about the brain's content; not those about the exporter itself."""
    return [line for line in text.splitlines() if line.startswith(("nervesys_secret", "nervesys_restore"))]
