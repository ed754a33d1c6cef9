"""Drivers that start a program: what it is given, what is kept of what it prints, and how it is stopped.

The driver `systemd` is tested with a program named systemctl that writes its arguments down: no systemd runs here.

Covers: alerting.drivers.command, alerting.drivers.process, alerting.drivers.systemd.
"""

import os
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from alerting.drivers import Drivers, RestartRequest
from alerting.drivers.outcome import Cause, Done, Failed, Retry
from alerting.drivers.process import OUTPUT_BYTES
from tests.alerting.drivers.kit import made, order, script


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A program that writes each of its arguments to a line of `asked`."""
    return script(tmp_path, "systemctl", f"printf '%s\\n' \"$@\" > {tmp_path}/asked")


def test_systemctl_restarts_the_unit_and_asks_nobody(recording: Path, tmp_path: Path) -> None:
    outcome = made("systemd", systemctl=str(recording)).restart(order("agent@grok.service"))
    assert outcome == Done("systemctl: done")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["--no-ask-password", "restart", "--", "agent@grok.service"]


def test_a_user_whom_polkit_does_not_know_is_not_allowed(tmp_path: Path) -> None:
    words = "Failed to restart grok.service: Interactive authentication required."
    outcome = made("systemd", systemctl=str(script(tmp_path, "systemctl", f"echo '{words}' >&2; exit 1"))).restart(
        order()
    )
    assert isinstance(outcome, Failed)
    assert (outcome.cause, outcome.output) == (Cause.NOT_ALLOWED, f"{words}\n")


def test_names_stand_where_the_command_wants_them(recording: Path, tmp_path: Path) -> None:
    argv = [str(recording), "--host={server}", "{agent}", "unit-{target}", "${HOME}; id"]
    with pytest.raises(ValidationError, match="unknown placeholder"):
        made("command", argv=argv)
    driver = made("command", argv=[*argv[:-1], "$HOME; id"], servers=["alpha.example.org"])
    assert driver.restart(order("x.1")) == Done("systemctl: done")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["--host=alpha.example.org", "grok", "unit-x.1", "$HOME; id"]


def test_an_agent_does_not_choose_the_server_that_a_command_connects_to() -> None:
    argv = ["/usr/bin/ssh", "restarter@{server}", "{agent}"]
    with pytest.raises(ValidationError, match="name the servers"):
        made("command", argv=argv, servers=["alpha.example.org", "*"])
    made("command", argv=argv, servers=["alpha.example.org"])
    made("command", argv=[*argv[:1], "{agent}"], servers=["*"])


def test_a_command_that_needs_a_server_is_not_run_without(recording: Path, tmp_path: Path) -> None:
    outcome = made("command", argv=[str(recording), "{server}"], servers=["alpha.example.org"]).restart(
        RestartRequest("grok", "", "grok")
    )
    assert outcome == Failed(Cause.BAD_TARGET, "its server is not known")
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        pytest.param([], "name the program", id="nothing"),
        pytest.param(["restart"], "absolute", id="a program that is looked for"),
        pytest.param(["/bin/{target}"], "only its arguments", id="a program that the brain would choose"),
        pytest.param(["/bin/restart", "{agent.__class__}x{instance}"], "instance", id="a name that is none"),
    ],
)
def test_a_command_that_cannot_be_run_safely_is_a_mistake(argv: list[str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Drivers.model_validate({"command": {"argv": argv, "servers": ["*"]}})


def test_a_program_that_is_not_there_or_may_not_be_run(tmp_path: Path) -> None:
    missing = made("command", argv=[str(tmp_path / "none")]).restart(order())
    assert missing == Failed(Cause.NOT_FOUND, "none: no such program")
    (tmp_path / "plain").touch(0o600)
    forbidden = made("command", argv=[str(tmp_path / "plain")]).restart(order())
    assert forbidden == Failed(Cause.NOT_ALLOWED, "plain: it may not be run")


def test_output_is_kept_up_to_its_limit_and_never_blocks(tmp_path: Path) -> None:
    endless = script(tmp_path, "chatter", "head -c 1000000 /dev/zero | tr '\\0' x; printf 'end'; exit 3")
    outcome = made("command", argv=[str(endless)]).restart(order())
    assert outcome == Retry(Cause.REFUSED, "chatter: exit code 3", "x" * OUTPUT_BYTES)


def test_what_is_no_text_is_still_kept(tmp_path: Path) -> None:
    binary = script(tmp_path, "binary", "printf 'a\\377b\\0c'")
    assert made("command", argv=[str(binary)]).restart(order()) == Done("binary: done", "a\ufffdb\ufffdc")


def test_what_a_command_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    leaves = script(tmp_path, "leaves", f"sleep 60 & echo $! > {tmp_path}/pid; echo started")
    assert made("command", argv=[str(leaves)]).restart(order()) == Done("leaves: done", "started\n")
    os.kill(int((tmp_path / "pid").read_text()), 9)  # still there: it may be the agent


def test_a_command_that_hangs_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    hangs = script(tmp_path, "hangs", f"sleep 600 & echo $! > {tmp_path}/pid; echo waiting; wait")
    outcome = made("command", argv=[str(hangs)], timeout_seconds=0.5).restart(order())
    assert outcome == Retry(Cause.TIMED_OUT, "hangs: no end after 0.5 s", "waiting\n")
    child = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    until = time.monotonic() + 30
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until, "it still runs"
        time.sleep(0.05)
