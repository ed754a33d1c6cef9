"""Runs another program as the agent: starts it, logs its output, forwards SIGTERM, and reports its exit.

It gets a process group of its own, which is killed at its end. If `setpriv` is installed, the kernel also kills it when
the agent is killed: a restart would otherwise start a second copy beside the first.
"""

import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO

from nervesys.agent.agent import Agent
from nervesys.agent.logs.line_parser import parse_line
from nervesys.agent.task_lines import TaskLines
from nervesys.agent.work import as_single_line
from nervesys.clock import Clock, system_clock
from nervesys.errors import NervesysError
from nervesys.file_modes import inherited_umask

LINE_CHARACTERS = 32_768
"""Limit of one record; a longer line is split into several."""
STOP_SECONDS = 4.0
"""Between SIGTERM and SIGKILL; the agent itself has ten seconds to stop."""
READ_SECONDS = 1.0
"""For reading the last lines of a program that has exited."""
WITH_PARENT_DEATH_SIGNAL = ("setpriv", "--pdeathsig", "KILL", "--")

log = logging.getLogger(__name__)


class ProgramFailed(NervesysError):
    """The program exited with an error.

    Attributes:
        code: exit code as in a shell; 128 plus the signal's number after a signal.
    """

    def __init__(self, name: str, returned: int, last_line: str) -> None:
        how = f"exit code {returned}" if returned >= 0 else f"signal {signal.Signals(-returned).name}"
        self.code = returned if returned >= 0 else 128 - returned
        super().__init__(f"{name} ended with {how}" + (f": {last_line}" if last_line else ""))


class WrappedProgram:
    """A program in any language, whose output becomes log records of an agent.

    Args:
        argv: the program and its arguments, passed without a shell.
        clock: timestamps lines that have no time of their own.

    Raises:
        NervesysError: there is no such program.
    """

    def __init__(self, argv: Sequence[str], clock: Clock = system_clock) -> None:
        path = shutil.which(argv[0])
        if path is None:
            raise NervesysError(f"start {argv[0]}: no such program, or not executable")
        self.name = Path(argv[0]).name
        """Name in log records and errors."""
        self._argv = [*(WITH_PARENT_DEATH_SIGNAL if shutil.which(WITH_PARENT_DEATH_SIGNAL[0]) else ()), path, *argv[1:]]
        self._clock = clock
        self._last_error_line = ""

    def run(self, agent: Agent) -> None:
        """Run the program until it exits, or until the agent is stopped.

        Raises:
            ProgramFailed: it exited with an error, other than by the SIGTERM sent to it.
            SystemExit: the agent was stopped, and the program stopped too.
        """
        tasks = TaskLines(agent, self._clock)
        with agent.listen_for_telemetry() as variables, self._run_process(agent, tasks, variables) as process:
            agent.work.occupied = True
            try:
                returned = process.wait()
            except SystemExit:
                if (returned := _stop(process)) in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
                    raise
        if returned:
            raise ProgramFailed(self.name, returned, self._last_error_line)

    @contextmanager
    def _run_process(
        self, agent: Agent, tasks: TaskLines, variables: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        """Start the program and log its output; at the end its whole process group is killed."""
        process = subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            umask=inherited_umask(),
            env=os.environ | variables,
        )
        readers = []
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert stream is not None
            readers.append(
                Thread(
                    target=self._read_output,
                    args=(agent, tasks, name, stream),
                    name=f"{name} of {self.name}",
                    daemon=True,
                )
            )
        try:
            log.info("started %s as process %d", self.name, process.pid)
            for reader in readers:
                reader.start()
            yield process
        finally:
            _signal(process, signal.SIGKILL)
            process.wait()
            for reader in readers:
                reader.join(READ_SECONDS)

    def _read_output(self, agent: Agent, tasks: TaskLines, name: str, stream: IO[str]) -> None:
        """Log each line as a record, unless it reports a task, until the stream ends."""
        with stream:
            while line := stream.readline(LINE_CHARACTERS):
                line = line.rstrip("\n")
                if not line or (name == "stdout" and tasks.take(line)):
                    continue
                if name == "stderr":
                    self._last_error_line = line
                record = parse_line(line, name, logger=agent.log.name, action=self.name, now=self._clock())
                _count(agent, record)
                if agent.log.isEnabledFor(record.levelno):
                    agent.log.handle(record)


def _count(agent: Agent, record: logging.LogRecord) -> None:
    """Count a record with a duration as a finished task, for `Agent.task` logs such records."""
    context, metadata = getattr(record, "context", {}), getattr(record, "metadata", {})
    if "duration_ms" in context:
        tokens = metadata.get("tokens_used") or metadata.get("input_tokens", 0) + metadata.get("output_tokens", 0)
        agent.work.count_finished(int(tokens), as_single_line(record.msg) if record.levelno >= logging.ERROR else None)


def _stop(process: subprocess.Popen[str]) -> int:
    """Send SIGTERM, and after `STOP_SECONDS` SIGKILL; returns the return code."""
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        return process.wait(STOP_SECONDS)
    log.warning("the program did not stop within %g s; killing it", STOP_SECONDS)
    _signal(process, signal.SIGKILL)
    return process.wait()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to the program's process group, which may outlive the program."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
