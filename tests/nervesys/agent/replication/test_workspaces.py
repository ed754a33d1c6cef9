"""Workspaces in the store: only changes are uploaded, all is restored, and no copy is overwritten unseen.

Covers: nervesys.workspace.layout.
"""

import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO

import pytest

from nervesys.agent import Agent
from nervesys.agent.replication.workspaces import WorkspaceReplica
from nervesys.errors import BadObject, NervesysError, StoreUnavailable
from nervesys.stores.objects import Listing, ObjectStore
from nervesys.stores.s3 import S3Store
from nervesys.workspace import Workspace
from nervesys.workspace.history import History
from tests.brains import NOON
from tests.servers.s3 import rclone, settings_of

PREFIX = "workspace/grok/apollo/"


class Counted:
    """The real store, and what was asked of it; it can be away, and fail at the n-th upload."""

    def __init__(self, inner: ObjectStore) -> None:
        self.inner, self.put_keys, self.asked, self.away = inner, list[str](), Counter[str](), False
        self.dies_at: int | None = None

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        if self.away:
            raise StoreUnavailable("refused")
        self.asked[name] += 1
        return getattr(self.inner, name)

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        if self.away:
            raise StoreUnavailable("refused")
        return self.inner.list(prefix, recursive=recursive)

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "") -> str:
        if self.dies_at is not None and len(self.put_keys) >= self.dies_at:
            raise StoreUnavailable("died")
        version = self.inner.put(key, body)
        self.put_keys.append(key.removeprefix(PREFIX))
        return version

    def uploaded(self) -> set[str]:
        keys, self.put_keys = set(self.put_keys), []
        return keys


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rclone(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture
def store(endpoint: str) -> Counted:
    inner = S3Store(settings_of(endpoint))
    for info in inner.list("workspace/").objects:
        inner.delete(info.key)
    return Counted(inner)


def host(store: Counted, folder: Path, me: str) -> WorkspaceReplica:
    return WorkspaceReplica(
        folder / "workspace", folder / "notes", lambda project: f"workspace/grok/{project}/", store, me
    )


def work(folder: Path, *names: str) -> None:
    with Workspace(folder / "workspace", "apollo", "grok", lambda: NOON) as workspace:
        for name in names:
            workspace.files.write(f"plans/{name}.md", f"# {name}")
            workspace.history.append("plan.made", {"name": name})


def found(folder: Path) -> tuple[list[str], dict[str, bytes], list[str]]:
    """Events, files by their versions, and plain files."""
    with Workspace(folder / "workspace", "apollo", "grok", lambda: NOON) as workspace:
        events = [event["payload"]["name"] for event in workspace.history.replay() if event["type"] == "plan.made"]
        files = {version.path: workspace.files.read(version.path) for version in workspace.files.list()}
    root = folder / "workspace/apollo/files"
    return events, files, sorted(path.relative_to(root).as_posix() for path in root.rglob("*.md"))


def test_it_comes_back_whole_on_a_new_server_and_only_news_are_uploaded(store: Counted, tmp_path: Path) -> None:
    here = host(store, tmp_path / "a", "first")
    here.open("apollo")
    work(tmp_path / "a", "one", "two")
    with Workspace(tmp_path / "a/workspace", "apollo", "grok") as workspace:
        workspace.milestone("begun")
    here.sync()
    assert len(store.uploaded()) == 6, "origin, two contents, a snapshot, two logs"
    here.sync()
    assert store.uploaded() == set()
    work(tmp_path / "a", "three")
    here.sync()
    assert len(store.uploaded() - {"history.log.gz", "versions/versions.log.gz"}) == 1

    there = host(store, tmp_path / "b", "second")
    there.open("apollo")
    names = ["one", "two", "three"]
    assert found(tmp_path / "b") == (
        names,
        {f"plans/{name}.md": f"# {name}".encode() for name in sorted(names)},
        sorted(f"plans/{name}.md" for name in names),
    )
    assert Workspace(tmp_path / "b/workspace", "apollo", "grok").snapshots.ids()
    there.sync()
    assert store.uploaded() == set()


def test_sealed_segments_are_uploaded_once_and_replayed_in_order(store: Counted, tmp_path: Path) -> None:
    here = host(store, tmp_path / "a", "first")
    here.open("apollo")
    for begin in (0, 300):
        history = History(tmp_path / "a/workspace/apollo", segment_bytes=5000)
        for number in range(begin, begin + 300):
            history.append("plan.made", {"name": str(number)})
        history.close()
        here.sync()
        before = store.uploaded()
    work(tmp_path / "a")
    here.sync()
    assert not {key for key in store.uploaded() if key.endswith(".gz") and key.startswith("history.0")} & before
    host(store, tmp_path / "b", "second").open("apollo")
    assert found(tmp_path / "b")[0] == [str(number) for number in range(600)]


@pytest.mark.parametrize("dies_at", range(6))
def test_an_upload_that_ends_anywhere_is_finished_later(store: Counted, tmp_path: Path, dies_at: int) -> None:
    here = host(store, tmp_path / "a", "first")
    here.open("apollo")
    work(tmp_path / "a", "one", "two", "three")
    store.dies_at = dies_at
    with suppress(NervesysError):
        here.sync()
    store.dies_at = None
    host(store, tmp_path / "half", "half").open("apollo")
    found(tmp_path / "half")  # what lies there now tells of nothing that is not there
    again = host(store, tmp_path / "a", "again")  # a new start
    again.open("apollo")
    again.sync()
    host(store, tmp_path / "b", "second").open("apollo")
    assert found(tmp_path / "b")[0] == ["one", "two", "three"]
    assert found(tmp_path / "b") == found(tmp_path / "a")


def test_what_was_cleaned_up_leaves_the_store_too(store: Counted, tmp_path: Path) -> None:
    here = host(store, tmp_path / "a", "first")
    here.open("apollo")
    with Workspace(tmp_path / "a/workspace", "apollo", "grok", lambda: NOON) as workspace:
        for number in range(5):
            workspace.files.write("plan.md", f"{number}")
        here.sync()
        workspace.clean(count=1)
        here.sync()
    assert len([info for info in store.list(PREFIX).objects if "/contents/" in info.key]) == 1
    host(store, tmp_path / "b", "second").open("apollo")
    assert found(tmp_path / "b")[1] == {"plan.md": b"4"}


def test_a_copy_that_another_server_wrote_since_is_never_overwritten(store: Counted, tmp_path: Path) -> None:
    here, there = host(store, tmp_path / "a", "first"), host(store, tmp_path / "b", "second")
    here.open("apollo")
    work(tmp_path / "a", "one")
    here.sync()
    there.open("apollo")
    work(tmp_path / "b", "two")
    there.sync()
    back = host(store, tmp_path / "a", "third")
    back.open("apollo")
    work(tmp_path / "a", "lost?")
    with pytest.raises(NervesysError, match=r"written on another server since; move .*/a/workspace/apollo away"):
        back.sync()
    shutil.rmtree(tmp_path / "a/workspace/apollo")
    again = host(store, tmp_path / "a", "fourth")
    again.open("apollo")
    assert found(tmp_path / "a")[0] == ["one", "two"]


def test_the_store_away_keeps_nobody_from_work_that_is_here(store: Counted, tmp_path: Path) -> None:
    store.away = True
    here = host(store, tmp_path / "a", "first")
    with pytest.raises(NervesysError, match="its folder is empty, and refused"):
        here.open("apollo")
    work(tmp_path / "a", "one")
    here.open("apollo")
    with pytest.raises(NervesysError, match="workspace apollo: refused"):
        here.sync()
    store.away = False
    here.sync()
    host(store, tmp_path / "b", "second").open("apollo")
    assert found(tmp_path / "b")[0] == ["one"]


def test_a_damaged_copy_is_rejected(store: Counted, tmp_path: Path) -> None:
    here = host(store, tmp_path / "a", "first")
    here.open("apollo")
    work(tmp_path / "a", "one")
    here.sync()
    key = next(info.key for info in store.list(PREFIX).objects if "/contents/" in info.key)
    store.inner.put(key, b"else")
    with pytest.raises(BadObject, match="damaged"):
        host(store, tmp_path / "b", "second").open("apollo")
    assert not (tmp_path / "b/workspace/apollo").exists()


def test_what_no_workspace_has_stays_in_the_store(store: Counted, tmp_path: Path) -> None:
    here = host(store, tmp_path / "a", "first")
    here.open("apollo")
    work(tmp_path / "a", "one")
    here.sync()
    for stray in ("files/run.sh", "history.lock", "snapshots/x.json", "versions/contents/aa/short"):
        store.inner.put(PREFIX + stray, b"x")
    host(store, tmp_path / "b", "second").open("apollo")
    lying = {
        path.relative_to(tmp_path / "b/workspace/apollo").as_posix()
        for path in tmp_path.glob("b/workspace/apollo/**/*")
    }
    assert not lying & {"files/run.sh", "history.lock", "snapshots/x.json"}


def test_each_copy_taken_during_writes_is_consistent(store: Counted, tmp_path: Path) -> None:
    here, stop = host(store, tmp_path / "a", "first"), threading.Event()
    here.open("apollo")

    def write() -> None:
        history = History(tmp_path / "a/workspace/apollo", segment_bytes=3000)
        with Workspace(tmp_path / "a/workspace", "apollo", "grok") as workspace:
            for number in count():
                workspace.files.write("plan.md", str(number))
                history.append("plan.made", {"name": str(number)})
                if stop.is_set():
                    break
        history.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for round_ in range(8):
            here.sync()
            there = tmp_path / f"b{round_}"
            host(store, there, "second").open("apollo")
            events, files, _ = found(there)
            assert events == [str(number) for number in range(len(events))]
            assert not files or set(files) == {"plan.md"}
    finally:
        stop.set()
        writer.join()


LIFE = """
import sys
from nervesys.agent import Agent
with Agent("grok") as agent:
    workspace = agent.workspace("apollo")
    print([event["payload"] for event in workspace.history.replay() if event["type"] == "lived"], flush=True)
    workspace.history.append("lived", {"on": agent.me.server})
    workspace.files.write("where.md", agent.me.server)
"""


def test_an_agent_takes_its_workspace_along(endpoint: str, store: Counted, brain: Path, tmp_path: Path) -> None:
    (brain / "config/storage.yaml").write_text("workspace: {sync_minutes: 0.01}")
    outputs = []
    for server in ("host-1", "host-2", "host-3"):
        settings = settings_of(endpoint)
        assert settings.access_key
        assert settings.secret_key
        environ = {
            "NERVESYS_HOME": str(tmp_path / server),
            "NERVESYS_BRAIN": str(brain),
            "NERVESYS_SERVER": server,
            "STORJ_ENDPOINT": endpoint,
            "STORJ_BUCKET": settings.bucket,
            "STORJ_ACCESS_KEY": settings.access_key.get_secret_value(),
            "STORJ_SECRET_KEY": settings.secret_key.get_secret_value(),
        }
        ran = subprocess.run(
            [sys.executable, "-c", LIFE], env=environ, capture_output=True, text=True, timeout=60, check=True
        )
        outputs.append(ran.stdout.strip())
    assert outputs == ["[]", "[{'on': 'host-1'}]", "[{'on': 'host-1'}, {'on': 'host-2'}]"]


@pytest.mark.parametrize(("setting", "copied"), [(None, True), ("workspace: {sync_minutes: null}", False)])
def test_copies_are_the_default_and_can_be_switched_off(
    grok: Callable[[], Agent], bucket: Path, brain: Path, setting: str | None, copied: bool
) -> None:
    if setting:
        (brain / "config/storage.yaml").write_text(setting)
    with grok() as agent:
        agent.workspace("apollo").files.write("plan.md", "x")
    assert (bucket / "workspace").exists() is copied
