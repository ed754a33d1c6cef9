"""`nervesys init`: everything that a fleet needs, again and again, and never over a file that exists.

Covers: commands.fleet_answers, commands.init.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nervesys.stack.new_home import SECRETS
from tests.commands.conftest import Run

STORE = ("--store", "https://s3.example.org", "--bucket", "b")


@pytest.fixture
def fleet(run: Run, tmp_path: Path) -> Path:
    """A new fleet with one agent."""
    made = run("init", str(tmp_path / "fleet"), "--agent", "ada@web-1", *STORE)
    assert made.code == 0, made.err
    return tmp_path / "fleet"


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path): (folder / path).read_bytes() for path in paths if ".git" not in path.parts}


def test_a_new_fleet_is_private_valid_and_committed(run: Run, fleet: Path) -> None:
    assert [(fleet / name).stat().st_mode & 0o777 for name in (".nervesys", SECRETS)] == [0o700, 0o700]
    files = [path for path in (fleet / ".nervesys").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert len((fleet / SECRETS / "receiver_token").read_text()) == 40
    checked = run("config", "check", "--quiet", "--home", str(fleet / "h"), "--brain", str(fleet / "brain"))
    assert "The configuration is valid: 1 agent" in checked.out
    log = ["git", "-C", str(fleet / "brain"), "log", "--format=%s", "main"]
    assert subprocess.run(log, capture_output=True, text=True, check=True).stdout.count("\n") == 1


def test_it_says_what_it_writes_what_to_put_in_and_what_to_type(run: Run, tmp_path: Path) -> None:
    out = run("init", str(tmp_path / "f"), "--agent", "ada@web-1", *STORE, "--brain", "https://git.example.org/b").out
    shown, _, after = out.partition("created")
    assert "brain/config/agents/ada.yaml" in shown
    for name in ("store_access_key", "store_secret_key", "github_token"):
        assert str(tmp_path / "f" / SECRETS / name) in after
    commands = after.partition("Then type:")[2].split("\n")
    assert commands[1:3] == [f"  cd {tmp_path / 'f'}", "  git -C brain push origin main state"]
    assert [command.rpartition(" ")[2] for command in commands[3:5]] == ["up", "doctor"]


def test_again_it_adds_an_agent_and_keeps_the_rest(run: Run, fleet: Path) -> None:
    (fleet / SECRETS / "store_access_key").write_text("AKID")
    before = contents(fleet)
    again = run("init", str(fleet), "--agent", "bob@web-2", "--agent", "ada@web-1")
    assert again.code == 0, again.err
    after = contents(fleet)
    assert after.keys() - before.keys() == {"brain/config/agents/bob.yaml"}
    assert {path: after[path] for path in before} == before
    assert f"{fleet}/.nervesys/receiver.yaml is kept; add to it:" in again.out
    missing = again.out.partition("add to it:\n")[2].partition("\n\n")[0]
    assert yaml.safe_load(missing)["drivers"]["supervisor"]["servers"] == ["web-2"]
    assert "store_access_key" not in again.out, "it has been put in"
    assert "Nothing to create" in run("init", str(fleet), "--agent", "bob@web-2").out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "a new fleet needs --agent NAME@SERVER, --store URL and --bucket NAME"),
        (("--agent", "Ada!@web-1", *STORE), "--agent Ada!@web-1"),
        (("--agent", "ada@web_1", *STORE), "--agent ada@web_1"),
        (("--agent", "default@web-1", *STORE), "no agent may have the name"),
        (("--agent", "ada@web-1", "--store", "s3.example.org", "--bucket", "b"), "must be a URL such as https://"),
        (("--agent", "ada@web-1", *STORE, "--driver", "nomad"), "there are supervisor, systemd,"),
        (("--agent", "ada@web-1", *STORE, "--reach", "web-1"), "must be SERVER=URL"),
        (("--agent", "ada@web-1", *STORE, "--brain", "https://me:secret@h/b"), "the URL holds a password"),
        (("--agent", "ada@web-1", *STORE, "--brain", "https://ghp_secret@h/b"), "the URL holds a password or a"),
        (("--agent", "ada@web-1", *STORE, "--archive", "ftp://h/"), "must be file:///path or gdrive://FOLDER_ID"),
    ],
)
def test_a_wrong_answer_is_named_and_nothing_is_written(
    run: Run, tmp_path: Path, words: tuple[str, ...], problem: str
) -> None:
    ran = run("init", str(tmp_path / "fleet"), *words)
    assert ran.code == 2
    assert problem in " ".join(ran.err.replace("│", " ").split())
    assert not (tmp_path / "fleet").exists()


def on_a_terminal(folder: Path, *answers: str) -> tuple[int, str]:
    """Run it on a pseudo-terminal, with these lines typed ahead; returns exit code and output."""
    ours, theirs = os.openpty()
    try:
        os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
        argv = [sys.executable, "-m", "nervesys", "init", str(folder)]
        ran = subprocess.run(argv, stdin=theirs, stdout=theirs, stderr=subprocess.STDOUT, timeout=60, check=False)
        return ran.returncode, os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_on_a_terminal_it_asks_until_the_answer_is_right(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    answers = (
        "Ada!",
        "ada@web-1 bob@web-1",
        "s3",
        "https://s3.example.org",
        "b",
        "nomad",
        "systemd",
        "y",
        "#x",
        "",
        "",
    )
    code, shown = on_a_terminal(folder, *answers, "")
    assert code == 0, shown
    assert shown.count("Agents, as NAME@SERVER") == 2
    assert shown.count("URL of the store's S3 API [") == 2
    receiver = yaml.safe_load((folder / ".nervesys/receiver.yaml").read_text())
    assert receiver == {"drivers": {"systemd": {"servers": ["web-1"]}}}
    channels = yaml.safe_load((folder / "brain/config/alerts.yaml").read_text())["channels"]
    assert channels["slack"]["channel"] == "#x"


def test_on_a_terminal_nothing_is_written_against_the_operators_will(tmp_path: Path) -> None:
    answers = ("ada@web-1", "https://s3.example.org", "b", "systemd", "n", "", "", "n")
    code, shown = on_a_terminal(tmp_path / "fleet", *answers)
    assert (code, "Create them?" in shown) == (1, True)
    assert not (tmp_path / "fleet").exists()
