"""The brain as a real Git repository: reading, writing, several writers at once, and being out of reach.

Covers: nervesys.stores.brain, nervesys.stores.mirror.
"""

import errno
import subprocess
import sys
from pathlib import Path

import pygit2
import pytest

from nervesys.errors import BadObject, BrainUnavailable
from nervesys.stores.brain import GitBrain
from tests.brains import NOON, read, write

WRITERS, COMMITS = 4, 6
WRITER = """
import sys
from pathlib import Path
from nervesys.stores.brain import GitBrain

url, mirror, name, count = sys.argv[1:]
brain = GitBrain(url, Path(mirror), timeout_seconds=60)
for number in range(int(count)):
    line = f"{name} {number}\\n".encode()
    changes = {"log.txt": lambda old: (old or b"") + line, f"state/{name}.json": line}
    brain.commit(changes, f"{name} {number}", name)
"""


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    path = tmp_path / "brain.git"
    write(path, {"config/agents/grok.yaml": b"agent: {name: grok}\n", "README.md": b"hello\n"})
    return path


def brain_of(remote: Path | str, tmp_path: Path) -> GitBrain:
    brain = GitBrain(str(remote), tmp_path / "mirror", timeout_seconds=30, clock=lambda: NOON)
    brain.fetch()
    return brain


FORMS = pytest.mark.parametrize("form", ["{}", "file://{}"], ids=["path", "file url"])


@FORMS
def test_a_branch_is_read_without_a_work_tree(remote: Path, tmp_path: Path, form: str) -> None:
    tree = brain_of(form.format(remote), tmp_path).tree("main")
    assert tree is not None
    assert tree.read("README.md") == b"hello\n"
    assert tree.names("config/agents") == ["grok.yaml"]
    assert tree.names("config") == []
    assert tree.read("config") is None
    assert tree.read("config/none.yaml") is None
    assert tree.names("none") == []


def test_a_branch_that_was_deleted_is_gone_with_the_next_fetch(remote: Path, tmp_path: Path) -> None:
    write(remote, {"x": b"1"}, branch="state")
    brain = brain_of(remote, tmp_path)
    assert brain.tree("state") is not None
    pygit2.Repository(str(remote)).branches.delete("state")
    brain.fetch()
    assert brain.tree("state") is None


def test_a_file_beyond_its_limit_is_refused(remote: Path, tmp_path: Path) -> None:
    tree = brain_of(remote, tmp_path).tree("main")
    assert tree is not None
    with pytest.raises(BadObject, match=r"too_large: README\.md"):
        tree.read("README.md", max_bytes=5)


def test_a_commit_goes_to_the_state_branch_only(remote: Path, tmp_path: Path) -> None:
    brain = brain_of(remote, tmp_path)
    first = brain.commit({"state/grok_last_status.json": b"{}"}, "Status of grok", "grok")
    second = brain.commit({"log.txt": lambda old: (old or b"") + b"one\n"}, "Log", "grok")
    assert read(remote, "log.txt") == b"one\n"
    assert read(remote, "state/grok_last_status.json") == b"{}"
    assert [(c.id, c.message, c.author, c.time) for c in brain.log("state")] == [
        (second, "Log", "grok", NOON),
        (first, "Status of grok", "grok", NOON),
    ]
    assert [c.message for c in brain.log("main")] == ["Change"]
    assert [c.id for c in brain.log("state", 1)] == [second]


def test_nothing_new_is_no_commit(remote: Path, tmp_path: Path) -> None:
    brain = brain_of(remote, tmp_path)
    assert brain.commit({"a": b"1"}, "One", "grok") == brain.commit({"a": b"1"}, "Two", "grok")


def test_several_writers_at_once_lose_nothing(remote: Path, tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(remote), str(tmp_path / name), name, str(COMMITS)])
        for name in (f"writer-{number}" for number in range(WRITERS))
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * WRITERS
    expected = sorted(f"writer-{writer} {number}" for writer in range(WRITERS) for number in range(COMMITS))
    assert sorted(read(remote, "log.txt").decode().splitlines()) == expected
    assert sorted(commit.message for commit in brain_of(remote, tmp_path).log("state")) == expected


def test_a_branch_that_forbids_pushing_fails_at_once(remote: Path, tmp_path: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho protected; exit 1\n")
    hook.chmod(0o755)
    with pytest.raises(BrainUnavailable, match=r"push to state of .*pre-receive hook declined"):
        brain_of(remote, tmp_path).commit({"a": b"1"}, "One", "grok")


def test_who_is_always_second_gives_up_in_the_end(remote: Path, tmp_path: Path) -> None:
    """The branch moves on between each fetch and push."""
    brain = GitBrain(str(remote), tmp_path / "mirror", timeout_seconds=30, sleep=lambda _: None)

    def outrun(old: bytes | None) -> bytes:
        write(remote, {"other": b"x"}, branch="state")
        return b"mine"

    with pytest.raises(BrainUnavailable, match=r"rejected.*; given up after 20 attempts"):
        brain.commit({"mine": outrun}, "Mine", "grok")


def test_a_host_that_never_answers_costs_the_time_limit(tmp_path: Path, silent_port: int) -> None:
    brain = GitBrain(f"http://127.0.0.1:{silent_port}/brain.git", tmp_path / "mirror", timeout_seconds=0.5)
    with pytest.raises(BrainUnavailable, match=r"timed out after 0\.5 s"):
        brain.fetch()


def test_with_a_copy_a_host_that_never_answers_costs_the_patience(
    remote: Path, tmp_path: Path, silent_port: int
) -> None:
    brain_of(remote, tmp_path)
    url = f"http://127.0.0.1:{silent_port}/brain.git"
    pygit2.Repository(str(tmp_path / "mirror")).config["remote.origin.url"] = url
    brain = GitBrain(url, tmp_path / "mirror", timeout_seconds=30)
    newest = brain.newest(patience=0.5)
    assert newest.tree.names("config/agents") == ["grok.yaml"]
    assert "timed out after 0.5 s; the last good copy is used, commit" in str(newest.outdated)


def test_a_mirror_may_hold_the_newest_commit_only_and_still_be_written_from(remote: Path, tmp_path: Path) -> None:
    for number in range(3):
        write(remote, {"README.md": b"%d\n" % number})
        write(remote, {"log": b"%d\n" % number}, branch="state")
    brain = GitBrain(f"file://{remote}", tmp_path / "mirror", timeout_seconds=30, depth=1)
    brain.fetch()
    assert len(list(brain.log("main"))) == 1
    brain.commit({"log": lambda before: (before or b"") + b"new\n"}, "One", "grok")
    write(remote, {"log": b"theirs\n"}, branch="state")
    brain.commit({"mine": b"1"}, "Two", "grok")
    assert (read(remote, "log"), read(remote, "mine")) == (b"theirs\n", b"1")
    whole = GitBrain(str(remote), tmp_path / "whole", timeout_seconds=30)
    whole.fetch()
    assert len(list(whole.log("state"))) == 6


@pytest.mark.parametrize(
    "error",
    [pygit2.GitError("failed to write: No space left on device"), OSError(errno.ENOSPC, "No space left on device")],
)
def test_a_full_disk_is_an_error_with_the_mirror_s_path(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pygit2, "init_repository", full)
    with pytest.raises(BrainUnavailable, match=r"create the mirror .*/new: .*No space left on device"):
        GitBrain(str(remote), tmp_path / "new", timeout_seconds=20)
