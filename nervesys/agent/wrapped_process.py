"""Another program as the agent: started, listened to, told to stop, and its end reported.

It is put into a process group of its own, which ends with it. Where `setpriv` is installed the kernel also ends it when
the agent itself is killed: a restart would otherwise start a second copy beside the first.
"""

import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO

from nervesys.agent.agent import Agent
from nervesys.agent.logs.line_parser import heard
from nervesys.agent.work import in_one_line
from nervesys.clock import Clock, system_clock
from nervesys.errors import NervesysError

LINE_CHARACTERS = 32_768
"""Of one record at most; what is printed beyond it, without an end of line, becomes the next record."""
STOP_SECONDS = 4.0
"""That the program has to stop in, of the ten that the agent has."""
LISTEN_SECONDS = 1.0
"""For the last lines of a program that is gone."""
DIED_WITH = ("setpriv", "--pdeathsig", "KILL", "--")

log = logging.getLogger(__name__)


class ProgramFailed(NervesysError):
    """The program ended, and not as it should.

    Attributes:
        code: as a shell would tell it; 128 and the number of the signal that ended it.
    """

    def __init__(self, name: str, returned: int, last_words: str) -> None:
        how = f"exit code {returned}" if returned >= 0 else f"signal {signal.Signals(-returned).name}"
        self.code = returned if returned >= 0 else 128 - returned
        super().__init__(f"{name} ended with {how}" + (f": {last_words}" if last_words else ""))


class Program:
    """A program in any language, whose output becomes log records of an agent.

    Args:
        argv: the program and its arguments; no shell reads them.
        clock: dates lines that tell no time.

    Raises:
        NervesysError: there is no such program.
    """

    def __init__(self, argv: Sequence[str], clock: Clock = system_clock) -> None:
        path = shutil.which(argv[0])
        if path is None:
            raise NervesysError(f"start {argv[0]}: no such program, or not executable")
        self.name = Path(argv[0]).name
        """As log records and errors call it."""
        self._argv = [*(DIED_WITH if shutil.which(DIED_WITH[0]) else ()), path, *argv[1:]]
        self._clock = clock
        self._last_words = ""

    def run(self, agent: Agent) -> None:
        """Be this program until it ends, or until the agent is told to stop.

        Raises:
            ProgramFailed: its exit was no clean end, and not by the signal that told it to stop.
            SystemExit: the agent was told to stop, and so the program did.
        """
        agent.work.occupied = True
        with self._started(agent) as process:
            try:
                returned = process.wait()
            except SystemExit:
                if (returned := _stopped(process)) in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
                    raise
        if returned:
            raise ProgramFailed(self.name, returned, self._last_words)

    @contextmanager
    def _started(self, agent: Agent) -> Iterator[subprocess.Popen[str]]:
        """The program, listened to; at the end nothing of it is left."""
        process = subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        ears = []
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert stream is not None
            ears.append(
                Thread(target=self._listen, args=(agent, name, stream), name=f"{name} of {self.name}", daemon=True)
            )
        try:
            log.info("started %s as process %d", self.name, process.pid)
            for ear in ears:
                ear.start()
            yield process
        finally:
            _signal(process, signal.SIGKILL)
            process.wait()
            for ear in ears:
                ear.join(LISTEN_SECONDS)

    def _listen(self, agent: Agent, name: str, stream: IO[str]) -> None:
        """Make a record of each line, until the stream ends."""
        with stream:
            while line := stream.readline(LINE_CHARACTERS):
                line = line.rstrip("\n")
                if not line:
                    continue
                if name == "stderr":
                    self._last_words = line
                record = heard(line, name, logger=agent.log.name, action=self.name, now=self._clock())
                _count(agent, record)
                if agent.log.isEnabledFor(record.levelno):
                    agent.log.handle(record)


def _count(agent: Agent, record: logging.LogRecord) -> None:
    """A record that tells how long something took is a task that ended, as `Agent.task` leaves one."""
    context, metadata = getattr(record, "context", {}), getattr(record, "metadata", {})
    if "duration_ms" in context:
        tokens = metadata.get("tokens_used") or metadata.get("input_tokens", 0) + metadata.get("output_tokens", 0)
        agent.work.ended(int(tokens), in_one_line(record.msg) if record.levelno >= logging.ERROR else None)


def _stopped(process: subprocess.Popen[str]) -> int:
    """Tell the program to stop, wait, and end what does not listen; how it ended."""
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        return process.wait(STOP_SECONDS)
    log.warning("the program did not stop within %g s, and is killed", STOP_SECONDS)
    _signal(process, signal.SIGKILL)
    return process.wait()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signal the whole group of the program; what is left of it when it is gone too."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
