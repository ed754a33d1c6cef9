"""A push is tried against real repositories, with the hooks of real hosts, and never changes a branch."""

import subprocess
from pathlib import Path

import pytest

from nervesys.stores.brain import GitBrain
from tests.brains import write

HOOKS = {
    "update": '[ "$1" != refs/heads/main ] || { echo protected; exit 1; }',
    "pre-receive": 'while read old new ref; do [ "$ref" != refs/heads/main ] || { echo protected; exit 1; }; done',
}


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    path = tmp_path / "remote.git"
    write(path, {"config/monitoring.yaml": b"{}\n"})
    write(path, {"status/ada.json": b"{}\n"}, branch="state")
    return path


def brain(remote: Path, tmp_path: Path) -> GitBrain:
    opened = GitBrain(str(remote), tmp_path / "mirror", timeout_seconds=30)
    opened.fetch()
    return opened


def branches(remote: Path) -> str:
    command = ["git", "-C", str(remote), "for-each-ref", "--format=%(refname) %(objectname)"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def add_hook(remote: Path, name: str, text: str) -> None:
    hook = remote / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{text}\n")
    hook.chmod(0o755)


@pytest.mark.parametrize("branch", ["main", "state"])
def test_a_push_that_would_be_accepted_changes_nothing(remote: Path, tmp_path: Path, branch: str) -> None:
    before = branches(remote)
    assert brain(remote, tmp_path).probe_push(branch).accepted is True
    assert branches(remote) == before


def test_a_branch_that_would_be_created_is_not(tmp_path: Path) -> None:
    write(tmp_path / "remote.git", {"config/monitoring.yaml": b"{}\n"})
    before = branches(tmp_path / "remote.git")
    assert brain(tmp_path / "remote.git", tmp_path).probe_push("state").accepted is True
    assert branches(tmp_path / "remote.git") == before


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_protects_main_is_found_and_state_stays_open(remote: Path, tmp_path: Path, hook: str) -> None:
    add_hook(remote, hook, HOOKS[hook])
    before, opened = branches(remote), brain(remote, tmp_path)
    probe = opened.probe_push("main")
    assert (probe.accepted, "declined" in probe.reason) == (False, True)
    assert opened.probe_push("state").accepted is True
    assert branches(remote) == before


def test_a_hook_that_refuses_everything_says_nothing_about_main(remote: Path, tmp_path: Path) -> None:
    add_hook(remote, "pre-receive", "exit 1")
    probe = brain(remote, tmp_path).probe_push("main")
    assert (probe.accepted, "refuses every new branch" in probe.reason) == (None, True)


def test_a_host_without_atomic_pushes_is_sent_nothing(remote: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "-C", str(remote), "config", "receive.advertiseAtomic", "false"], check=True)
    before = branches(remote)
    probe = brain(remote, tmp_path).probe_push("main")
    assert (probe.accepted, "atomic" in probe.reason) == (None, True)
    assert branches(remote) == before


def test_the_checked_out_branch_of_a_work_tree_is_refused(remote: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", "-b", "main", str(remote), str(checkout)], check=True)
    probe = brain(checkout, tmp_path).probe_push("main")
    assert (probe.accepted, "checked out" in probe.reason) == (False, True)
