"""A program in another language as the agent: its output, its exit, and the agent's exit."""

import gzip
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from nervesys.agent import Agent
from nervesys.agent.wrapped_process import LINE_CHARACTERS, ProgramFailed, WrappedProgram
from nervesys.contract import AgentState, LogRecord, Status
from nervesys.errors import NervesysError
from tests.nervesys.agent.fleet import STOP_SECONDS, Fleet, until

SECRET = "hunter2hunter2"
Make = Callable[[], Agent]


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def last(bucket: Path) -> AgentState:
    return AgentState.parse((bucket / "db/agents/grok_state.json").read_bytes())


def logs(bucket: Path) -> list[LogRecord]:
    files = sorted(bucket.glob("db/active_logs/host-1/*/*.jsonl.gz"))
    lines = [LogRecord.parse(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]
    return [record for record in lines if record.category != "system"]


def alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_what_it_prints_is_shipped_and_its_clean_end_is_a_stop(grok: Make, bucket: Path) -> None:
    record = '{"message":"done","action":"code_review","context":{"duration_ms":5},"metadata":{"tokens_used":55}}'
    with grok() as agent:
        WrappedProgram(shell(f"echo hello; echo oops >&2; sleep 0.3; echo '{record}'; printf 'no end of line'")).run(
            agent
        )
    assert {(r.level, r.action, r.message) for r in logs(bucket)} == {
        ("INFO", "sh", "hello"),
        ("WARN", "sh", "oops"),
        ("INFO", "code_review", "done"),
        ("INFO", "sh", "no end of line"),
    }
    state = last(bucket)
    assert state.status is Status.STOPPED
    assert state.tasks is not None
    assert (state.tasks.completed, state.tokens_used) == (1, 55)


def test_a_crash_leaves_the_last_status_and_the_last_words(grok: Make, bucket: Path) -> None:
    with pytest.raises(ProgramFailed) as failed, grok() as agent:
        WrappedProgram(shell("sleep 0.5; echo out of luck >&2; exit 3")).run(agent)
    assert failed.value.code == 3
    assert last(bucket).status is Status.RUNNING
    assert last(bucket).last_error == "ProgramFailed: sh ended with exit code 3: out of luck"


def test_secrets_in_its_last_words_are_masked_wherever_they_go(grok: Make, bucket: Path) -> None:
    with pytest.raises(ProgramFailed), grok() as agent:
        WrappedProgram(shell(f"echo refused: password={SECRET} >&2; exit 1")).run(agent)
    assert "refused" in (last(bucket).last_error or "")
    assert SECRET not in (last(bucket).last_error or "")
    assert "refused" in str(logs(bucket))
    assert SECRET not in str(logs(bucket))


def test_after_a_signal_the_exit_code_is_that_of_a_shell(grok: Make) -> None:
    with pytest.raises(ProgramFailed, match="sh ended with signal SIGSEGV") as failed, grok() as agent:
        WrappedProgram(shell("kill -SEGV $$")).run(agent)
    assert failed.value.code == 139


def test_a_line_without_end_becomes_records_of_bounded_length(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        WrappedProgram([sys.executable, "-c", f"print('é' * {2 * LINE_CHARACTERS + 5})"]).run(agent)
    assert [len(record.message) for record in logs(bucket)] == [LINE_CHARACTERS, LINE_CHARACTERS, 5]


def test_what_is_no_text_does_not_stop_it(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        WrappedProgram(shell(r"printf '\377\000\n'; echo after")).run(agent)
    assert logs(bucket)[-1].message == "after"


def test_nothing_of_it_is_left_behind(grok: Make, tmp_path: Path) -> None:
    with grok() as agent:
        WrappedProgram(shell(f"sleep 100 & echo $! > {tmp_path}/left; exit 0")).run(agent)
    until(lambda: not alive(int((tmp_path / "left").read_text())))


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(NervesysError, match="start nonsense: no such program"):
        WrappedProgram(["nonsense"])


@pytest.mark.parametrize("script", ["exec sleep 100", "trap 'echo goodbye; exit 0' TERM; sleep 100 & wait"])
def test_sigterm_is_forwarded_and_the_status_is_stopped(fleet: Fleet, script: str) -> None:
    with fleet.store(), fleet.agent("--exec", "--", *shell(script)) as process:
        until(lambda: fleet.says(Status.RUNNING))
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    assert fleet.says(Status.STOPPED)


def test_what_does_not_listen_is_killed_and_that_is_no_stop(fleet: Fleet) -> None:
    with fleet.store(), fleet.agent("--exec", "--", *shell("trap '' TERM; while :; do sleep 0.1; done")) as process:
        until(lambda: fleet.says(Status.RUNNING))
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 128 + signal.SIGKILL
    assert fleet.says(Status.RUNNING)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="only setpriv binds the program's life to the agent's")
def test_it_does_not_outlive_an_agent_that_is_killed(fleet: Fleet, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 100"
    with fleet.agent("--exec", "--", *shell(script)) as process:
        until(pid_file.exists)
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: not alive(int(pid_file.read_text())))


def test_without_a_name_all_that_stands_behind_the_dashes_is_the_program_s(fleet: Fleet) -> None:
    with fleet.store(), fleet.agent("--exec", "--", "sleep", "100", named=False, NERVESYS_AGENT="grok") as process:
        until(lambda: fleet.says(Status.RUNNING))
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    assert fleet.says(Status.STOPPED)


def test_a_command_needs_exec_and_exec_a_command(fleet: Fleet) -> None:
    for arguments in (["--exec"], ["--", "true"]):
        with fleet.agent(*arguments) as process:
            out, _ = process.communicate(timeout=20)
            assert (process.returncode, b"go together" in out) == (2, True)
