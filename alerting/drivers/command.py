"""Driver `command`: restarts a process by a program of the receiver's machine, such as a script of your own.

The arguments are a list that no shell interprets, and only checked names are inserted. Exit codes of sysexits.h and of
shells name the errors that no further attempt will mend.
"""

import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from alerting.drivers.driver import RestartRequest
from alerting.drivers.fields import ANY_SERVER, Seconds, Servers, absolute
from alerting.drivers.outcome import Cause, Done, Failed, Outcome
from alerting.drivers.process import run_program
from nervesys.settings.section import SettingsSection

PERMANENT = {
    os.EX_NOUSER: Cause.NOT_FOUND,
    os.EX_NOHOST: Cause.NOT_FOUND,
    os.EX_NOPERM: Cause.NOT_ALLOWED,
    126: Cause.NOT_ALLOWED,
    127: Cause.NOT_FOUND,
}
_PLACE = re.compile(r"\{(\w+)\}")
SERVER_PLACE = "{server}"
_PLACES = tuple(RestartRequest.__dataclass_fields__)


def _argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv:
        raise ValueError("name the program and its arguments")
    absolute(argv[0])
    if _PLACE.search(argv[0]):
        raise ValueError("the program is always the same; only its arguments hold names")
    unknown = [name for word in argv for name in _PLACE.findall(word) if name not in _PLACES]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in _PLACES)
        raise ValueError(f"unknown placeholder {{{unknown[0]}}}; there are {known}")
    return argv


class CommandDriver(SettingsSection):
    """A program of the receiver's machine.

    Attributes:
        argv: path of the program, and arguments, in which `{agent}`, `{server}` and `{target}` stand for names.
        stop_argv: as `argv`, to stop an agent; None where that is not possible.
        start_argv: as `argv`, to start an agent; None where that is not possible.
        servers: the servers whose agents it can restart; `*` stands for every server, but not if an argument holds
            `{server}`: an agent could then choose where the program connects to.
        timeout_seconds: after which it is killed, with all that it started.
    """

    argv: Annotated[tuple[str, ...], AfterValidator(_argv)]
    stop_argv: Annotated[tuple[str, ...], AfterValidator(_argv)] | None = None
    start_argv: Annotated[tuple[str, ...], AfterValidator(_argv)] | None = None
    servers: Servers
    timeout_seconds: Seconds = 60

    @model_validator(mode="after")
    def _servers_are_named(self) -> Self:
        words = (*self.argv, *(self.stop_argv or ()), *(self.start_argv or ()))
        if ANY_SERVER in self.servers and any(SERVER_PLACE in word for word in words):
            raise ValueError(f"name the servers: '{ANY_SERVER}' and {SERVER_PLACE} let an agent choose any server")
        return self

    def inspect(self, request: RestartRequest) -> Outcome:
        """Check that the program can be run; what it does with the target only it knows."""
        program = Path(self.argv[0])
        if not program.is_file():
            return Failed(Cause.NOT_FOUND, f"{program}: no such program")
        if not os.access(program, os.X_OK):
            return Failed(Cause.NOT_ALLOWED, f"{program}: it may not be run; type: chmod +x {program}")
        return Done(f"{program} can be run")

    def restart(self, request: RestartRequest) -> Outcome:
        """Run the program once."""
        return self._run(self.argv, "argv", request)

    def stop(self, request: RestartRequest) -> Outcome:
        """Run the program that stops an agent."""
        return self._run(self.stop_argv, "stop_argv", request)

    def start(self, request: RestartRequest) -> Outcome:
        """Run the program that starts an agent."""
        return self._run(self.start_argv, "start_argv", request)

    def _run(self, words: tuple[str, ...] | None, key: str, request: RestartRequest) -> Outcome:
        if words is None:
            return Failed(Cause.NOT_ALLOWED, f"the driver command has no {key}; add it to the receiver's local file")
        names = asdict(request)
        unknown = [name for word in words for name in _PLACE.findall(word) if not names[name]]
        if unknown:
            return Failed(Cause.BAD_TARGET, f"its {unknown[0]} is not known")
        argv = [_PLACE.sub(lambda place: names[place[1]], word) for word in words]
        return run_program(argv, self.timeout_seconds, PERMANENT)
