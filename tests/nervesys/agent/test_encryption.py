"""Encrypted logs and backups, from the agent to the archive and back.

Covers: nervesys.agent.logs.shipping, nervesys.agent.backup.drill, nervesys.agent.round.merge.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.agent import Agent
from nervesys.agent.backup.drill import Drill
from nervesys.agent.round import DailyRound, Round
from nervesys.errors import SettingsError
from nervesys.settings import FolderTree, load, shipped_root
from nervesys.settings.storage import Storage
from nervesys.stores.encryption import encrypt, set_identity
from nervesys.stores.lines import lines_of
from tests.nervesys.agent.round.kit import DUE, NOW, STORAGE, World

OURS = pyrage.x25519.Identity.generate()
RECIPIENT = str(OURS.to_public())
OTHERS = pyrage.x25519.Identity.generate().to_public()
FOR_US = STORAGE.model_copy(update={"encryption": STORAGE.encryption.model_copy(update={"recipients": (RECIPIENT,)})})


@pytest.fixture(autouse=True)
def _ours() -> Iterator[None]:
    set_identity(SecretStr(str(OURS)))
    yield
    set_identity(None)


def a_round(world: World, storage: Storage = FOR_US) -> Round:
    return Round(world.store, world.archive, storage, lambda: NOW)


def archived(world: World) -> dict[str, list[bytes]]:
    found = {}
    for path in sorted((world.cold / "Archive").rglob("*activity*")):
        with path.open("rb") as stream:
            found[path.name] = list(lines_of(stream, path.name))
    return found


def test_an_agent_ships_what_only_we_read(
    grok: Callable[[], Agent], brain: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (brain / "config/storage.yaml").write_text(f"encryption: {{recipients: [{RECIPIENT}]}}")
    with grok() as agent:
        agent.log.info("the secret plan")
        end = time.monotonic() + 20
        while not list(bucket.glob("config_backups/daily/*")):
            assert time.monotonic() < end
            time.sleep(0.05)
    set_identity(SecretStr(str(OURS)))
    (log,) = bucket.glob("db/active_logs/host-1/*/*")
    (backup,) = bucket.glob("config_backups/daily/*")
    assert log.name.endswith(".jsonl.gz.age")
    assert backup.name.endswith(".tar.gz.age")
    assert backup.read_bytes().startswith(b"age-encryption.org/v1")
    with log.open("rb") as stream:
        assert any(b"the secret plan" in line for line in lines_of(stream, log.name))


def test_the_round_archives_and_backs_up_under_seal_and_the_drill_opens_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ship(DUE, "activity one")
    assert DailyRound(a_round(world), FolderTree(shipped_root()), None).run(lambda _: None) == []
    assert list(archived(world)) == [f"host-1_{DUE}_activity.json.gz.age"]
    assert b"one" in archived(world)[f"host-1_{DUE}_activity.json.gz.age"][0]
    assert DailyRound(a_round(world), FolderTree(shipped_root()), None).run(lambda _: None) == [], "backed up already"
    drill = Drill(world.archive, FOR_US, lambda: NOW, time.monotonic, "test")
    went = drill.run(tmp_path / "restored", lambda _: None)
    assert (went.detail, went.backup) == ("", "Backups/full_backup_2026-01-20.tar.gz.age")
    set_identity(None)
    went = drill.run(tmp_path / "blind", lambda _: None)
    assert (went.succeeded, "NERVESYS_AGE_IDENTITY" in went.detail) == (False, True)


@pytest.mark.parametrize(
    ("key", "body", "text"),
    [
        ("memory.sqlite3.age", encrypt(b"SQLite format 3\0 and nothing more", [RECIPIENT]), "is a damaged database"),
        ("memory.sqlite3.age", encrypt(b"SQLite", [RECIPIENT])[:-1], "cannot be decrypted"),
        ("memory.sqlite3.age", encrypt(b"SQLite", [str(OTHERS)]), "memory.sqlite3.age: it is encrypted"),
    ],
)
def test_the_drill_opens_sealed_copies_of_databases_too(tmp_path: Path, key: str, body: bytes, text: str) -> None:
    world = World(tmp_path)
    world.store.put(f"databases/grok/memory/{key}", body)
    assert DailyRound(a_round(world), FolderTree(shipped_root()), None).run(lambda _: None) == []
    went = Drill(world.archive, FOR_US, lambda: NOW, time.monotonic, "test").run(tmp_path / "restored", lambda _: None)
    assert text in went.detail


def test_a_day_that_was_archived_in_the_open_is_sealed_with_what_comes_late(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ship(DUE, "activity one", "activity one")
    world.run()
    world.ship(DUE, "activity one", "activity two", seq=2)  # of these, one lies there
    daily_round = a_round(world)
    daily_round.carry_out(daily_round.plan(), lambda _: None)
    (lines,) = archived(world).values()
    assert list(archived(world)) == [f"host-1_{DUE}_activity.json.gz.age"]
    assert sorted(b"two" in line for line in lines) == [False, False, True]
    open_again = a_round(world, STORAGE)
    world.ship(DUE, "activity three", seq=3)
    open_again.carry_out(open_again.plan(), lambda _: None)
    assert {name: len(lines) for name, lines in archived(world).items()} == {f"host-1_{DUE}_activity.json.gz": 4}


def test_both_forms_left_by_an_interruption_are_merged(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ship(DUE, "activity one")
    world.run()
    plain = next((world.cold / "Archive").rglob("*activity.json.gz"))
    before = plain.read_bytes()
    world.ship(DUE, "activity two", seq=2)
    daily_round = a_round(world)
    daily_round.carry_out(daily_round.plan(), lambda _: None)
    plain.write_bytes(before)  # as if it had ended before this was deleted
    world.ship(DUE, "activity two", seq=2)
    daily_round.carry_out(daily_round.plan(), lambda _: None)
    assert {name: len(lines) for name, lines in archived(world).items()} == {f"host-1_{DUE}_activity.json.gz.age": 2}


def test_a_round_that_cannot_read_leaves_the_day_in_the_store(tmp_path: Path) -> None:
    world = World(tmp_path)
    (world.bucket / world.ship(DUE, "activity one")).rename(
        tmp_path / f"bucket/db/active_logs/host-1/{DUE}/120000_grok_00000001.jsonl.gz.age"
    )
    set_identity(None)
    (trouble,) = world.run()
    assert "stays in the store: no_identity" in trouble
    assert len(list((world.bucket / "db/active_logs").rglob("*.age"))) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("encryption: {recipients: [me]}", "encryption.recipients"),
        (
            f"encryption: {{recipients: [{RECIPIENT}]}}\nstorj: {{paths: {{active_logs: 'l/{{server}}.log'}}}}",
            "ends in",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/storage.yaml").write_text(text)
    with pytest.raises(SettingsError, match=problem):
        load(FolderTree(tmp_path))


def test_an_invalid_identity_is_rejected_without_being_printed() -> None:
    with pytest.raises(SettingsError) as error:
        load(environ={"NERVESYS_AGE_IDENTITY": "hunter2"})
    assert "age-keygen" in str(error.value)
    assert "hunter2" not in str(error.value)
