"""Driver `systemd`: restarts a unit of the receiver's own machine through systemctl."""

from alerting.drivers.driver import RestartRequest
from alerting.drivers.fields import AbsolutePath, Seconds, Servers
from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.drivers.process import run_program
from nervesys.settings.section import SettingsSection

PERMANENT = {4: Cause.NOT_ALLOWED, 5: Cause.NOT_FOUND, 6: Cause.NOT_FOUND}
"""Exit codes of systemctl, which are those of LSB's init scripts."""
UNKNOWN_USER = "authentication required"
"""Polkit's message for a user without a rule; the exit code says only that the call failed."""


class SystemdDriver(SettingsSection):
    """The systemd of the receiver's own machine.

    Attributes:
        systemctl: path of the program.
        servers: the names under which agents of this machine write.
        timeout_seconds: of a restart; longer than units take to stop.
    """

    systemctl: AbsolutePath = "/usr/bin/systemctl"
    servers: Servers
    timeout_seconds: Seconds = 120

    def inspect(self, request: RestartRequest) -> Outcome:
        """Ask whether the unit can be loaded; whether this user may restart it shows only at a restart."""
        argv = (self.systemctl, "--no-ask-password", "show", "--property=LoadState", "--value", "--", request.target)
        outcome = run_program(argv, self.timeout_seconds, PERMANENT)
        state = outcome.output.strip()
        if isinstance(outcome, Done) and state != "loaded":
            return Failed(Cause.NOT_FOUND, f"systemctl: unit {request.target} is {state or 'not known'}")
        return Done(f"systemd: unit {request.target} is loaded") if isinstance(outcome, Done) else outcome

    def restart(self, request: RestartRequest) -> Outcome:
        """Restart the unit and wait until systemd has done it."""
        return self._systemctl("restart", request)

    def stop(self, request: RestartRequest) -> Outcome:
        """Stop the unit and wait until systemd has done it."""
        return self._systemctl("stop", request)

    def start(self, request: RestartRequest) -> Outcome:
        """Start the unit and wait until systemd has done it."""
        return self._systemctl("start", request)

    def _systemctl(self, verb: str, request: RestartRequest) -> Outcome:
        argv = (self.systemctl, "--no-ask-password", verb, "--", request.target)
        outcome = run_program(argv, self.timeout_seconds, PERMANENT)
        if isinstance(outcome, Retry) and UNKNOWN_USER in outcome.output:
            return Failed(Cause.NOT_ALLOWED, f"{outcome.detail}; this user may not {verb} units", outcome.output)
        return outcome
