"""Old backups are deleted once the newest is whole, and packs once no backup needs them."""

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nervesys.agent.backup.backup_run import SPARSE_BYTES
from nervesys.agent.backup.manifest import read_packs
from nervesys.agent.backup.retention import GRACE_SECONDS, read_state, unneeded_packs
from nervesys.agent.round import DailyRound, Round
from nervesys.settings import FolderTree, shipped_root
from tests.nervesys.agent.backup.kit import DAY, NOON, Installation


@pytest.fixture
def fleet(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def age(fleet: Installation, days: float) -> None:
    """Let everything in the archive be older."""
    for path in (fleet.folder / "archive").rglob("*"):
        os.utime(path, (NOON - days * DAY, NOON - days * DAY))


def test_packs_stay_while_a_backup_needs_them_and_while_one_may_be_in_progress(fleet: Installation) -> None:
    fleet.back_up()
    extra = fleet.folder / "archive/Backups/packs/0123.tar.zst"
    extra.write_bytes(b"of a backup in progress")
    age(fleet, 0)
    assert unneeded_packs(fleet.archive, fleet.storage, NOON + GRACE_SECONDS) == []
    assert unneeded_packs(fleet.archive, fleet.storage, NOON + GRACE_SECONDS + 1) == ["Backups/packs/0123.tar.zst"]
    (fleet.folder / "archive/Backups/full_backup_2026-01-02.tar.gz").write_bytes(b"without a manifest")
    assert unneeded_packs(fleet.archive, fleet.storage, NOON + 9 * DAY) == []


def test_a_manifest_that_cannot_be_read_keeps_every_pack(fleet: Installation) -> None:
    fleet.back_up()
    age(fleet, 9)
    (fleet.folder / "archive/Backups/packs/0123.tar.zst").write_bytes(b"")
    age(fleet, 9)
    (fleet.folder / "archive/Backups/full_backup_2026-01-01.jsonl.gz").write_bytes(b"damaged")
    assert unneeded_packs(fleet.archive, fleet.storage, NOON) == []
    assert read_state(fleet.archive, fleet.storage).problems


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda lines: [lines[0] | {"sparse": None}, *lines[1:]], id="sparse packs"),
        pytest.param(lambda lines: [lines[0], *(line | {"contents": None} for line in lines[1:])], id="contents"),
        pytest.param(lambda lines: [lines[0], *(line | {"path": ["x"]} for line in lines[1:])], id="path"),
        pytest.param(lambda lines: [{key: lines[0][key] for key in lines[0].keys() - {"packs"}}], id="no packs"),
    ],
)
def test_a_manifest_with_a_wrong_value_keeps_every_pack_and_holds_up_no_backup(
    fleet: Installation, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> None:
    fleet.back_up()
    age(fleet, 9)
    manifest = fleet.folder / "archive/Backups/full_backup_2026-01-01.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(manifest.read_bytes()).splitlines()]
    manifest.write_bytes(gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in change(lines))))
    assert unneeded_packs(fleet.archive, fleet.storage, NOON) == []
    assert read_state(fleet.archive, fleet.storage).problems
    fleet.back_up(lambda: NOON + DAY)


def test_the_round_deletes_old_backups_with_their_packs_but_none_while_the_newest_is_not_whole(
    fleet: Installation,
) -> None:
    fleet.store.put("vitality/old_state.json", os.urandom(5000))
    fleet.back_up(lambda: NOON - 40 * DAY)
    (fleet.folder / "store/vitality/old_state.json").unlink()
    age(fleet, 40)

    def run(now: float) -> list[str]:
        today = Round(fleet.store, fleet.archive, fleet.storage, lambda: now)
        daily = DailyRound(today, FolderTree(shipped_root()), None, place=replace(fleet.place, brain=lambda: None))
        return daily.run(lambda _: None)

    def dates() -> list[str]:
        found = (fleet.folder / "archive/Backups").glob("full_backup_*.tar.gz")
        return sorted(path.name[12:22] for path in found)

    def packs() -> set[str]:
        return {path.name for path in (fleet.folder / "archive/Backups/packs").iterdir()}

    fleet.store.put("databases/grok/notes/new.bin", os.urandom(5000))
    fleet.back_up()
    needed = next(iter(read_packs(fleet.archive, "Backups/full_backup_2026-01-01.jsonl.gz"))).path
    whole = fleet.archive.get(needed, max_bytes=1 << 20)
    fleet.archive.put(needed, whole[:-1])
    (problem,) = run(NOON)
    assert "no old backup is deleted: the newest is not whole" in problem
    assert dates() == ["2025-11-22", "2026-01-01"]
    fleet.archive.put(needed, whole)
    before = packs()
    assert run(NOON) == []
    assert dates() == ["2026-01-01"]
    assert len(before - packs()) == 1, "the pack with the content that only the old backup had"
    assert read_state(fleet.archive, fleet.storage).problems == []


def test_contents_that_are_used_move_out_of_packs_of_which_little_is_used(fleet: Installation) -> None:
    folder = fleet.folder / "store/databases/grok/notes"
    for name in ("a", "b", "c"):
        (folder / name).write_bytes(os.urandom(SPARSE_BYTES))
    fleet.back_up()
    for name in ("a", "b"):
        (folder / name).unlink()
    (folder / "large.bin").unlink()
    assert fleet.back_up(lambda: NOON + DAY).new.bytes < SPARSE_BYTES
    assert fleet.back_up(lambda: NOON + 2 * DAY).new.bytes >= SPARSE_BYTES
    for day in ("01", "02"):
        for path in (fleet.folder / "archive/Backups").glob(f"full_backup_2026-01-{day}.*"):
            path.unlink()
    age(fleet, 0)
    assert unneeded_packs(fleet.archive, fleet.storage, NOON + 9 * DAY)
    assert read_state(fleet.archive, fleet.storage).problems == []
