"""Encrypted copies of databases: read by their recipients; without the identity, nothing is lost or overwritten.

Covers: nervesys.agent.replication.databases.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from nervesys.agent.replication.databases import Databases
from nervesys.errors import BadObject, NervesysError, Reason
from nervesys.stores.encryption import set_identity
from tests.nervesys.agent.replication.test_databases import Time, words, write
from tests.stores import FolderStore

OURS, OTHERS = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
RECIPIENT = str(OURS.to_public())
ENVIRON = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
UNSHARE = ["unshare", "--map-root-user", "--mount"]


@pytest.fixture(autouse=True)
def _ours() -> Iterator[None]:
    set_identity(SecretStr(str(OURS)))
    yield
    set_identity(None)


class Host:
    """One of several hosts that an agent may run on; all share a store and a clock."""

    def __init__(self, home: Path, name: str, clock: Time) -> None:
        self.home, self.folder = home, home / name
        (home / "bucket").mkdir(exist_ok=True)
        self.recipients = [RECIPIENT]
        store = FolderStore(home / "bucket")
        self.databases = Databases(self.folder, "databases/grok/", store, lambda: 3, clock, lambda: self.recipients)
        self.file = self.folder / "memory.sqlite3"

    def add(self, *texts: str) -> None:
        """Write to the database, and copy it."""
        write(self.databases.path("memory"), *texts)
        self.databases.save()

    def words(self) -> list[str]:
        return words(self.databases.path("memory"))

    @property
    def copies(self) -> list[Path]:
        return sorted(self.home.glob("bucket/databases/grok/memory/*"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def here(tmp_path: Path, clock: Time) -> Host:
    return Host(tmp_path, "here", clock)


@pytest.fixture
def there(tmp_path: Path, clock: Time) -> Host:
    return Host(tmp_path, "there", clock)


def test_a_copy_is_read_by_its_recipients_alone(here: Host, there: Host) -> None:
    here.add("the secret plan")
    (copy,) = here.copies
    assert copy.name.endswith("Z.sqlite3.age")
    assert b"secret plan" in here.file.read_bytes()
    assert b"secret plan" not in copy.read_bytes()
    assert there.databases.names() == ["memory"]
    assert there.words() == ["the secret plan"]
    assert not list(there.folder.glob(".*"))


def test_of_sealed_and_open_copies_the_newest_wins_and_the_oldest_go(here: Host, there: Host, tmp_path: Path) -> None:
    for number, recipients in enumerate([[], [RECIPIENT], [], [RECIPIENT]]):
        here.recipients = recipients
        here.add(str(number))
        assert Host(tmp_path, f"host-{number}", Time()).words() == [*map(str, range(number + 1))]
    assert [copy.suffix for copy in here.copies] == [".age", ".sqlite3", ".age"]


def test_who_holds_no_identity_starts_again_where_it_was(here: Host) -> None:
    set_identity(None)
    here.add("one")
    here.add("two")
    assert here.words() == ["one", "two"]


@pytest.mark.parametrize(
    ("identity", "text"), [(None, "set NERVESYS_AGE_IDENTITY"), (SecretStr(str(OTHERS)), "encrypted for others than")]
)
def test_without_the_identity_the_error_names_what_is_missing(
    here: Host, there: Host, identity: SecretStr | None, text: str
) -> None:
    here.add("one")
    there.add("two")
    before = here.file.read_bytes(), there.copies
    set_identity(identity)
    with pytest.raises(BadObject, match=rf"\.sqlite3\.age: .*{text}.*the local file is older, and was not changed"):
        here.databases.path("memory")
    assert (here.file.read_bytes(), there.copies) == before
    third = Host(here.home, "third", Time())
    with pytest.raises(BadObject, match=text):
        third.databases.path("memory")
    assert list(third.folder.iterdir()) == []
    set_identity(SecretStr(str(OURS)))
    assert here.words() == ["one", "two"]


def test_a_file_that_was_written_to_before_the_newest_copy_is_not_used(here: Host, there: Host) -> None:
    here.add("common")
    there.add("theirs")
    write(here.file, "ours")
    os.utime(here.file, (there.copies[-1].stat().st_mtime - 10,) * 2)
    before = here.file.read_bytes()
    set_identity(None)
    with pytest.raises(BadObject, match="the local file is older, and was not changed"):
        here.databases.path("memory")
    assert here.file.read_bytes() == before


def test_a_later_file_is_used_and_what_could_not_be_opened_is_kept_for_ever(
    here: Host, there: Host, caplog: pytest.LogCaptureFixture
) -> None:
    here.add("common")
    there.add("theirs")
    theirs = there.copies[-1]
    write(here.file, "ours")
    os.utime(here.file, (theirs.stat().st_mtime + 10,) * 2)
    set_identity(None)
    with caplog.at_level(logging.WARNING):
        assert here.words() == ["common", "ours"]
    assert f"memory/{theirs.name}: it is encrypted; set NERVESYS_AGE_IDENTITY" in caplog.text
    for number in range(5):
        here.add(str(number))
    assert theirs in here.copies
    assert len(here.copies) == 4
    set_identity(SecretStr(str(OURS)))
    assert Host(here.home, "third", Time()).words() == ["common", "ours", *"01234"]


def test_a_copy_that_is_cut_short_takes_nothing_s_place(here: Host, there: Host) -> None:
    here.add("one")
    there.add(*map(str, range(20_000)))
    copy = there.copies[-1]
    copy.write_bytes(copy.read_bytes()[:-1000])
    before = here.file.read_bytes()
    with pytest.raises(BadObject) as error:
        here.databases.path("memory")
    assert error.value.reason is Reason.BAD_AGE
    assert here.file.read_bytes() == before
    assert sorted(path.name for path in here.folder.iterdir()) == ["memory.json", "memory.sqlite3"]


PROGRAM = f"""
import sys, time
from pathlib import Path
from contextlib import contextmanager
from pydantic import SecretStr
from nervesys.agent.replication.databases import Databases
from nervesys.errors import NervesysError
from nervesys.stores.encryption import set_identity
from tests.stores import FolderStore

class Slow(FolderStore):
    "Stops half-way for as long as it lives, once requested."
    def put(self, key, body, *, content_type=""):
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name("half").write_bytes(body.read(10))
        print("half", flush=True)
        time.sleep(60)
    @contextmanager
    def open(self, key):
        with super().open(key) as stream:
            yield Half(stream)

class Half:
    def __init__(self, stream): self.stream, self.calls = stream, 0
    def read(self, size=-1):
        self.calls += 1
        if self.calls == 4:
            print("half", flush=True)
            time.sleep(60)
        return self.stream.read(size)

home, deed, slow = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "slow"
set_identity(SecretStr("{OURS}"))
store = (Slow if slow else FolderStore)(home / "bucket")
databases = Databases(home / "there", "databases/grok/", store, lambda: 3, lambda: 1.79e9, lambda: ["{RECIPIENT}"])
try:
    databases.save() if deed == "save" else databases.path("memory")
except NervesysError as err:
    print(err)
    sys.exit(3)
"""


def killed(home: Path, deed: str) -> None:
    """Do a deed in a process of its own, and kill it half-way."""
    argv = [sys.executable, "-c", PROGRAM, str(home), deed, "slow"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=ENVIRON) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)


def test_killed_half_way_there_and_back_nothing_is_lost(here: Host, there: Host, tmp_path: Path) -> None:
    lots = [f"word {number}" for number in range(30_000)]
    here.add(*lots)
    killed(tmp_path, "path")
    assert not there.file.exists()
    assert there.words() == lots
    write(there.file, "more")
    killed(tmp_path, "save")
    assert there.words() == [*lots, "more"]
    there.databases.save()
    assert here.words() == [*lots, "more"]
    assert not [*here.folder.glob(".*"), *there.folder.glob(".*")], "what was left half-way is gone"


@pytest.mark.skipif(
    subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode != 0,
    reason="this machine allows no user namespaces",
)
@pytest.mark.parametrize("spare", [0, 64 << 20])
def test_a_disk_that_fills_up_meanwhile_costs_nothing_but_the_attempt(
    here: Host, there: Host, tmp_path: Path, spare: int
) -> None:
    """The first time the room is not asked for before, as where others take it meanwhile."""
    here.add(*(f"word {number}" * 20 for number in range(30_000)))
    there.folder.mkdir()
    program = tmp_path / "program.py"
    program.write_text(
        f"from nervesys.agent.replication import databases\ndatabases.SPARE_BYTES = {spare or -(1 << 30)}\n{PROGRAM}"
    )
    small = f'mount -t tmpfs -o size=2m none "{there.folder}" && "{sys.executable}" "{program}" "{tmp_path}" path fast'
    argv = [*UNSHARE, "sh", "-c", f'{small}; echo $?; ls -A "{there.folder}"']
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=ENVIRON)
    error, *rest = done.stdout.splitlines()
    assert rest == ["3"], "and no file is left there"
    assert ("no room for a copy" if spare else "No space left on device") in error
    assert there.words()[0].startswith("word 0")


def test_a_disk_that_fills_up_during_encryption_is_reported(here: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    here.add("one")

    def full(*_: object) -> None:
        raise pyrage.EncryptError("OSError: [Errno 28] No space left on device")

    monkeypatch.setattr(pyrage, "encrypt_io", full)
    write(here.file, "two")
    with pytest.raises(NervesysError, match=r"copy database memory to the store: encrypt: .*No space left"):
        here.databases.save()
    assert len(here.copies) == 1
