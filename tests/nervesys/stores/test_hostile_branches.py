"""What whoever may push to a brain can do to those who read it and commit beside it.

Covers: nervesys.stores.brain, nervesys.stores.git, nervesys.stores.trees, nervesys.stores.git_errors.
"""

import stat
import subprocess
import sys
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from nervesys.errors import BadObject, BrainUnavailable
from nervesys.stores import trees
from nervesys.stores.brain import GitBrain
from tests.brains import NOON, read, write

LEVELS = 6
"""Of ten folders each: a million files in six objects."""
MEMORY_BYTES = 400 << 20
"""Of a process that commits, at most."""
GIT_BYTES = 100 << 20
"""Of git, which it runs, at most."""
COMMIT_IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from nervesys.stores.brain import GitBrain

brain = GitBrain(sys.argv[1], Path(sys.argv[2]), timeout_seconds=30)
brain.commit({"state/grok_last_status.json": b"{}"}, "Status", "grok")
status = Path("/proc/self/status").read_text()
own = next(line for line in status.splitlines() if line.startswith("VmHWM"))
print(int(own.split()[1]) << 10, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
"""
"""Prints the peak memory of itself and of git. getrusage(2) counts that of the process it was forked from, too."""


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    path = tmp_path / "brain.git"
    write(path, {"config/agents/grok.yaml": b"agent: {name: grok}\n"})
    return path


def brain_of(remote: Path, tmp_path: Path) -> GitBrain:
    return GitBrain(str(remote), tmp_path / "mirror", timeout_seconds=30, clock=lambda: NOON, sleep=lambda _: None)


def commit_tree(remote: Path, tree: pygit2.Oid, branch: str = "state") -> None:
    repo = pygit2.Repository(str(remote))
    who = pygit2.Signature("mallory", "mallory@example.org", NOON)
    repo.create_commit(f"refs/heads/{branch}", who, who, "Bomb", tree, [])


def bomb(remote: Path) -> pygit2.Oid:
    """A tree with 10 ** LEVELS files."""
    repo = pygit2.Repository(str(remote))
    oid, mode = repo.create_blob(b""), FileMode.BLOB
    for _ in range(LEVELS):
        builder = repo.TreeBuilder()
        for number in range(10):
            builder.insert(f"d{number}", oid, mode)
        oid, mode = builder.write(), FileMode.TREE
    return oid


def test_no_other_branch_is_fetched(remote: Path, tmp_path: Path) -> None:
    write(remote, {"junk": b"x"}, branch="junk")
    write(remote, {"log": b"x"}, branch="state")
    brain = brain_of(remote, tmp_path)
    brain.fetch()
    mirror = pygit2.Repository(str(tmp_path / "mirror"))
    assert sorted(mirror.branches) == ["main", "state"]
    assert pygit2.Repository(str(remote)).branches["junk"].target not in mirror


def test_a_state_branch_that_cannot_be_fetched_does_not_hold_up_the_configuration(remote: Path, tmp_path: Path) -> None:
    write(remote, {"log": b"x"}, branch="state")
    brain = brain_of(remote, tmp_path)
    brain.fetch()
    write(remote, {"config/agents/gimai.yaml": b"agent: {}\n"})
    (remote / "refs" / "heads" / "state").write_text("1" * 40 + "\n")
    with pytest.raises(BrainUnavailable, match="fetch state of"):
        brain.fetch()
    tree = brain.tree("main")
    assert tree is not None
    assert tree.names("config/agents") == ["gimai.yaml", "grok.yaml"]


def test_what_a_killed_fetch_left_is_removed(remote: Path, tmp_path: Path) -> None:
    brain = brain_of(remote, tmp_path)
    brain.fetch()
    left = [tmp_path / "mirror" / name for name in ("shallow.lock", "objects/pack/tmp_pack_x", "refs/heads/main.lock")]
    for path in left:
        path.touch()
    brain.fetch()
    assert not [path for path in left if path.exists()]


def test_a_commit_beside_a_million_files_costs_little(remote: Path, tmp_path: Path) -> None:
    commit_tree(remote, bomb(remote))
    arguments = [sys.executable, "-c", COMMIT_IN_LITTLE_MEMORY, str(remote), str(tmp_path / "mirror")]
    done = subprocess.run(arguments, capture_output=True, check=True, timeout=120)
    assert int(done.stdout.split()[0]) < MEMORY_BYTES
    assert read(remote, "state/grok_last_status.json") == b"{}"


def test_a_file_that_unpacks_to_far_more_is_streamed(remote: Path, tmp_path: Path) -> None:
    write(remote, {"logs/zeros": bytes(3 * GIT_BYTES // 2)}, branch="state")
    subprocess.run(["git", "-C", str(remote), "repack", "-adq"], check=True)
    arguments = [sys.executable, "-c", COMMIT_IN_LITTLE_MEMORY, f"file://{remote}", str(tmp_path / "mirror")]
    done = subprocess.run(arguments, capture_output=True, check=True, timeout=120)
    assert int(done.stdout.split()[1]) < GIT_BYTES


def test_a_folder_with_too_many_files_is_refused(remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "FOLDER_BYTES", 1000)
    write(remote, {f"state/{number}": b"" for number in range(100)}, branch="state")
    brain = brain_of(remote, tmp_path)
    brain.fetch()
    tree = brain.tree("state")
    assert tree is not None
    with pytest.raises(BadObject, match="too_large: state/: more than 1000 bytes"):
        tree.names("state")
    with pytest.raises(BrainUnavailable, match=r"commit to state of .*too_large: state/"):
        brain.commit({"state/grok_last_status.json": b"{}"}, "Status", "grok")
    brain.commit({"logs/x": b"1"}, "Another folder is not affected", "grok")


def test_a_file_in_place_of_a_folder_and_a_folder_in_place_of_a_file_are_replaced(remote: Path, tmp_path: Path) -> None:
    write(remote, {"state": b"", "log.txt/x": b"", "kept/y": b"1"}, branch="state")
    brain = brain_of(remote, tmp_path)
    brain.commit({"state/grok.json": b"{}", "log.txt": lambda old: (old or b"") + b"line\n"}, "Status", "grok")
    assert (read(remote, "state/grok.json"), read(remote, "log.txt"), read(remote, "kept/y")) == (
        b"{}",
        b"line\n",
        b"1",
    )


def test_a_file_that_is_too_large_is_begun_anew(
    remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nervesys.stores.brain.FILE_BYTES", 10)
    write(remote, {"log.txt": b"x" * 11}, branch="state")
    brain_of(remote, tmp_path).commit({"log.txt": lambda old: (old or b"") + b"line\n"}, "Log", "grok")
    assert read(remote, "log.txt") == b"line\n"
    assert "too_large: log.txt: more than 10 bytes; the file is begun anew" in caplog.text


@pytest.mark.parametrize("branch", ["state/x", "ops"], ids=["below", "above"])
def test_a_branch_whose_name_excludes_the_state_branch_is_named(remote: Path, tmp_path: Path, branch: str) -> None:
    state = "state" if branch == "state/x" else "ops/state"
    write(remote, {"log": b"x"}, branch=state)
    brain = GitBrain(str(remote), tmp_path / "mirror", timeout_seconds=30, state_branch=state, sleep=lambda _: None)
    brain.commit({"a": b"1"}, "One", "grok")
    pygit2.Repository(str(remote)).branches.delete(state)
    write(remote, {"junk": b"x"}, branch=branch)
    with pytest.raises(
        BrainUnavailable,
        match=f"push to {state} of .*: it cannot exist beside the branch {branch}; delete {branch}, and protect",
    ):
        brain.commit({"a": b"2"}, "Two", "grok")
    pygit2.Repository(str(remote)).branches.delete(branch)
    brain.commit({"a": b"3"}, "Three", "grok")
    assert read(remote, "a", state) == b"3"


def test_a_branch_below_the_state_branch_in_an_older_mirror_does_not_block_it(remote: Path, tmp_path: Path) -> None:
    brain = brain_of(remote, tmp_path)
    write(tmp_path / "mirror", {"junk": b"x"}, branch="state/x")
    brain.commit({"a": b"1"}, "One", "grok")
    assert read(remote, "a") == b"1"


def test_a_damaged_mirror_is_one_of_our_errors(remote: Path, tmp_path: Path) -> None:
    brain = brain_of(remote, tmp_path)
    brain.fetch()
    tree = brain.tree("main")
    assert tree is not None
    for file in (tmp_path / "mirror" / "objects").rglob("*"):
        if file.is_file():
            file.chmod(stat.S_IRUSR | stat.S_IWUSR)
            file.write_bytes(b"damaged")
    with pytest.raises(BrainUnavailable, match=r"read (config/agents|config|)/ of commit"):
        tree.read("config/agents/grok.yaml")
    with pytest.raises(BrainUnavailable, match=r"read main \(mirror"):
        brain.tree("main")
    with pytest.raises(BrainUnavailable):
        list(brain.log("main"))


def test_a_mirror_that_cannot_be_created_is_one_of_our_errors(remote: Path, tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(BrainUnavailable, match="home"):
        GitBrain(str(remote), tmp_path / "home" / "mirror", timeout_seconds=30)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("ext::sh -c touch% {}/ran", id="a command"),
        pytest.param("ext::sh -c 'touch {}/ran' a://b", id="a command with a scheme in it"),
        pytest.param("fd::3", id="a descriptor"),
        pytest.param("--upload-pack=touch {}/ran", id="an option"),
        pytest.param("ssh://-oProxyCommand=touch%20{}%2Fran/x", id="an option of ssh"),
    ],
)
def test_no_url_runs_a_program(tmp_path: Path, url: str) -> None:
    with pytest.raises(BrainUnavailable):
        GitBrain(url.format(tmp_path), tmp_path / "mirror", timeout_seconds=30).fetch()
    assert not (tmp_path / "ran").exists()


def test_hooks_in_the_mirror_do_not_run(remote: Path, tmp_path: Path) -> None:
    brain = brain_of(remote, tmp_path)
    for name in ("pre-push", "reference-transaction", "post-update"):
        hook = tmp_path / "mirror" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    brain.fetch()
    brain.commit({"a": b"1"}, "One", "grok")
    assert not (tmp_path / "ran").exists()
