"""What a check found, and the runner of all checks: in parallel, each with a time limit of its own."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from threading import Thread

from nervesys.errors import NervesysError, SettingsError


class FindingLevel(StrEnum):
    """How serious it is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class DoctorFinding:
    """One line of the doctor.

    Attributes:
        level: `FAIL` is what keeps the fleet from being watched or restarted.
        subject: such as `store` or `agent grok`.
        what: what was found; never a secret.
        remedy: what to do about it; empty where nothing is to do.
    """

    level: FindingLevel
    subject: str
    what: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON has it."""
        return {key: str(value) for key, value in asdict(self).items()}


def ok(subject: str, what: str) -> DoctorFinding:
    """All is well."""
    return DoctorFinding(FindingLevel.OK, subject, what)


def warn(subject: str, what: str, remedy: str) -> DoctorFinding:
    """Something is missing that the fleet can do without, or could not be checked."""
    return DoctorFinding(FindingLevel.WARN, subject, what, remedy)


def fail(subject: str, what: str, remedy: str) -> DoctorFinding:
    """Something does not work."""
    return DoctorFinding(FindingLevel.FAIL, subject, what, remedy)


@dataclass(frozen=True)
class DoctorCheck:
    """One check.

    Attributes:
        subject: of its findings, if it fails as a whole.
        probe: finds; may block, and may raise `NervesysError`.
        remedy: for its errors, and for the time limit.
        seconds: time limit.
    """

    subject: str
    probe: Callable[[], Iterable[DoctorFinding]]
    remedy: str
    seconds: float = 20

    def run(self) -> Iterator[DoctorFinding]:
        """Run the probe; an error ends it with a finding."""
        try:
            yield from self.probe()
        except SettingsError as err:
            yield from (fail(self.subject, str(mistake), self.remedy) for mistake in err.mistakes)
        except (NervesysError, OSError) as err:
            yield fail(self.subject, str(err), self.remedy)
        except Exception as err:  # noqa: BLE001  # a bug in one check must not hide what the others find
            yield fail(self.subject, f"a bug: {type(err).__name__}", "report it, with `nervesys --version`")


def run_checks(checks: Sequence[DoctorCheck]) -> list[DoctorFinding]:
    """Run all checks at once; the findings are in the order of the checks.

    A check that exceeds its time limit is left behind in a daemon thread, which ends with the process.
    """
    found: list[list[DoctorFinding]] = [[] for _ in checks]
    threads = [
        Thread(target=lambda check=check, into=into: into.extend(check.run()), daemon=True)
        for check, into in zip(checks, found, strict=True)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    findings: list[DoctorFinding] = []
    for check, thread, results in zip(checks, threads, found, strict=True):
        thread.join(max(0.0, began + check.seconds - time.monotonic()))
        if thread.is_alive():
            findings.append(fail(check.subject, f"no result within {check.seconds:g} s", check.remedy))
        else:
            findings += results
    return findings
