"""Runs one program for a driver: no shell, a time limit, and no more of its output than the journal keeps."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.drivers.shortage import ShortOfResources, raise_if_short
from nervesys.file_modes import inherited_umask

OUTPUT_BYTES = 64 << 10
"""Kept of a program's output; the rest is read and dropped, so that the program does not block."""
PASSED_ON = ("HOME", "LANG", "PATH")
"""The only environment variables that a program gets from the receiver; the others may hold secrets."""
POLL_SECONDS = 0.05


def run_program(argv: Sequence[str], timeout_seconds: float, permanent: Mapping[int, Cause]) -> Outcome:
    """Run a program and wait for its end; after the time limit it is killed, with all that it started.

    Args:
        argv: the program's path and its arguments.
        timeout_seconds: that it may take.
        permanent: exit codes that say that no further try will succeed, and why.
    """
    program = Path(argv[0]).name
    with selectors.DefaultSelector() as selector:  # first: where no file can be opened, no program is started
        return _run(program, argv, selector, timeout_seconds, permanent)


def _run(
    program: str,
    argv: Sequence[str],
    selector: selectors.BaseSelector,
    timeout_seconds: float,
    permanent: Mapping[int, Cause],
) -> Outcome:
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            start_new_session=True,
            umask=inherited_umask(),
        )
    except FileNotFoundError:
        return Failed(Cause.NOT_FOUND, f"{program}: no such program")
    except PermissionError:
        return Failed(Cause.NOT_ALLOWED, f"{program}: it may not be run")
    except BlockingIOError as err:
        raise ShortOfResources(f"no more processes: {err.strerror}") from err
    except OSError as err:
        raise_if_short(err)
        return Retry(Cause.REFUSED, f"{program}: {err.strerror}")
    with process:
        in_time, printed = _watch(process, selector, timeout_seconds)
    output = printed.decode(errors="replace").replace("\0", "\ufffd")
    if not in_time:
        return Retry(Cause.TIMED_OUT, f"{program}: no end after {timeout_seconds:g} s", output)
    if process.returncode == 0:
        return Done(f"{program}: done", output)
    detail = f"{program}: {_describe_exit(process.returncode)}"
    cause = permanent.get(process.returncode)
    return Failed(cause, detail, output) if cause else Retry(Cause.REFUSED, detail, output)


def _watch(process: subprocess.Popen[bytes], selector: selectors.BaseSelector, seconds: float) -> tuple[bool, bytes]:
    """Whether it ended in time, and its output. The end of the output is not waited for: a child may keep it open."""
    assert process.stdout is not None
    pipe, output, until = process.stdout.fileno(), bytearray(), time.monotonic() + seconds
    os.set_blocking(pipe, False)
    selector.register(pipe, selectors.EVENT_READ)
    while process.poll() is None:
        if time.monotonic() > until:
            os.killpg(process.pid, signal.SIGKILL)
            return False, bytes(output)
        if selector.select(POLL_SECONDS) and not _read(pipe, output):
            selector.unregister(pipe)
    _read(pipe, output)  # a pipe holds no more than one read takes
    return True, bytes(output)


def _read(pipe: int, output: bytearray) -> bool:
    """Read what is available; returns whether more may follow."""
    try:
        chunk = os.read(pipe, OUTPUT_BYTES)
    except BlockingIOError:
        return True
    output += chunk[: OUTPUT_BYTES - len(output)]
    return bool(chunk)


def _describe_exit(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"ended by signal {-code}"
