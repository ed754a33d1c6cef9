"""An agent's databases move with it: copied as they change, restored on a new server, never overwritten."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest

from nervesys.agent.replication import databases as module
from nervesys.agent.replication.databases import Databases
from nervesys.errors import BadObject, NervesysError, StoreUnavailable
from tests.stores import FolderStore

NOON = 1_790_000_000.0


class Time:
    """A clock that goes on by itself, a minute each time that it is asked."""

    now = NOON

    def __call__(self) -> float:
        self.now += 60
        return self.now


class Away(FolderStore):
    """Answers nothing, takes no uploads, or keeps half of them and says nothing."""

    away = False
    halves = False
    dies: type[BaseException] | None = None

    def list(self, prefix: str, *, recursive: bool = True):  # type: ignore[no-untyped-def]
        if self.away:
            raise StoreUnavailable("list: refused")
        return super().list(prefix, recursive=recursive)

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "") -> str:
        if self.away:
            raise StoreUnavailable("put: refused")
        whole = body if isinstance(body, bytes) else body.read()
        version = super().put(key, whole[: len(whole) // 2] if self.halves else whole, content_type=content_type)
        if self.dies:
            raise self.dies
        return version


@pytest.fixture
def store(tmp_path: Path) -> Away:
    (tmp_path / "bucket").mkdir()
    return Away(tmp_path / "bucket")


@pytest.fixture
def clock() -> Time:
    return Time()


def host(store: FolderStore, folder: Path, clock: Time) -> Databases:
    return Databases(folder, "databases/grok/", store, lambda: 3, clock)


def write(path: Path, *words: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE IF NOT EXISTS words (word TEXT)")
        db.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])


def write_and_be_killed(path: Path, word: str) -> None:
    """The word is in the log beside the file, and not in the file itself."""
    files = path, Path(f"{path}-wal")
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        with db:
            db.execute("INSERT INTO words VALUES (?)", (word,))
        left = [file.read_bytes() for file in files]
    for file, body in zip(files, left, strict=True):
        file.write_bytes(body)


def words(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [word for (word,) in db.execute("SELECT word FROM words ORDER BY rowid")]


def copies(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.glob("bucket/databases/grok/memory/*"))


def test_an_agent_that_starts_elsewhere_has_its_data(store: Away, tmp_path: Path, clock: Time) -> None:
    here, there = host(store, tmp_path / "a", clock), host(store, tmp_path / "b", clock)
    write(here.path("memory"), "one", "two")
    here.save()
    assert there.names() == ["memory"]
    assert words(there.path("memory")) == ["one", "two"]
    write(there.path("memory"), "three")
    there.save()
    assert words(here.path("memory")) == ["one", "two", "three"]  # back again: what it had here is older


def test_a_copy_is_made_of_what_changed_while_others_write_and_the_oldest_go(
    store: Away, tmp_path: Path, clock: Time
) -> None:
    databases = host(store, tmp_path / "a", clock)
    path = databases.path("memory")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE words (word TEXT)")
        for number in range(5):
            writer.execute("INSERT INTO words VALUES (?)", (str(number),))
            writer.commit()  # in the log beside the file, which stays as it was
            databases.save()
        newest = copies(tmp_path)
        assert len(newest) == 3
        databases.save()
        assert copies(tmp_path) == newest
    assert words(tmp_path / "bucket/databases/grok/memory" / newest[-1]) == ["0", "1", "2", "3", "4"]
    assert not list((tmp_path / "a").glob(".*"))


def test_what_two_hosts_wrote_apart_is_set_aside_and_not_lost(store: Away, tmp_path: Path, clock: Time) -> None:
    here, there = host(store, tmp_path / "a", clock), host(store, tmp_path / "b", clock)
    write(here.path("memory"), "common")
    here.save()
    write(there.path("memory"), "theirs")
    there.save()
    write_and_be_killed(tmp_path / "a/memory.sqlite3", "ours")
    assert words(here.path("memory")) == ["common", "theirs"]
    assert words(tmp_path / "a/memory.aside-1") == ["common", "ours"]


def test_killed_after_the_upload_the_file_here_is_known_as_the_newest(store: Away, tmp_path: Path, clock: Time) -> None:
    write(host(store, tmp_path / "a", clock).path("memory"), "one")
    store.dies = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        host(store, tmp_path / "a", clock).save()
    store.dies = None
    write(tmp_path / "a/memory.sqlite3", "two")
    assert words(host(store, tmp_path / "a", clock).path("memory")) == ["one", "two"]


def test_while_the_store_is_away_the_file_here_is_used_and_a_new_host_waits(
    store: Away, tmp_path: Path, clock: Time
) -> None:
    here = host(store, tmp_path / "a", clock)
    write(here.path("memory"), "one")
    here.save()
    store.away = True
    assert words(here.path("memory")) == ["one"]
    with pytest.raises(NervesysError, match="open database memory: there is no local file, and list: refused"):
        host(store, tmp_path / "b", clock).path("memory")
    write(here.path("memory"), "two")
    with pytest.raises(NervesysError, match="copy database memory to the store"):
        here.save()
    store.away = False
    here.save()
    assert words(host(store, tmp_path / "b", clock).path("memory")) == ["one", "two"]


def test_a_damaged_database_takes_no_good_copy_s_place(store: Away, tmp_path: Path, clock: Time) -> None:
    here = host(store, tmp_path / "a", clock)
    path = here.path("memory")
    write(path, *map(str, range(5000)))
    here.save()
    before = copies(tmp_path)
    body = bytearray(path.read_bytes())
    body[4096 : 4096 * 4] = b"\xff" * 4096 * 3
    path.write_bytes(body)
    with pytest.raises(NervesysError, match="copy database memory to the store"):
        here.save()
    assert copies(tmp_path) == before


def test_a_damaged_copy_takes_nothing_s_place(store: Away, tmp_path: Path, clock: Time) -> None:
    here = host(store, tmp_path / "a", clock)
    write(here.path("memory"), "one")
    here.save()
    (copy,) = tmp_path.glob("bucket/databases/grok/memory/*")
    copy.write_bytes(b"no database, though there is something in it")
    with pytest.raises(BadObject, match="is damaged"):
        host(store, tmp_path / "b", clock).path("memory")
    assert not (tmp_path / "b/memory.sqlite3").exists()


def test_an_incomplete_upload_is_reported_and_older_copies_stay(store: Away, tmp_path: Path, clock: Time) -> None:
    here = host(store, tmp_path / "a", clock)
    for word in "abc":
        write(here.path("memory"), word)
        here.save()
    before = copies(tmp_path)
    assert len(before) == 3
    write(here.path("memory"), "d")
    store.halves = True
    with pytest.raises(NervesysError, match="the stored body differs from the one sent"):
        here.save()
    assert copies(tmp_path)[:3] == before
    store.halves = False
    here.save()
    assert words(host(store, tmp_path / "b", clock).path("memory")) == ["a", "b", "c", "d"]


def test_a_full_disk_is_reported_before_anything_is_written(
    store: Away, tmp_path: Path, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = host(store, tmp_path / "a", clock)
    write(here.path("memory"), "one")
    monkeypatch.setattr(module, "SPARE_BYTES", 1 << 60)
    with pytest.raises(NervesysError, match="no room for a copy of"):
        here.save()


@pytest.mark.parametrize("name", ["", "../up", "a/b", "UP", "a.b", "x" * 64, "a\n"])
def test_a_name_leads_nowhere_else(store: Away, tmp_path: Path, clock: Time, name: str) -> None:
    with pytest.raises(NervesysError, match="a name is 1 to 63 of"):
        host(store, tmp_path / "a", clock).path(name)
