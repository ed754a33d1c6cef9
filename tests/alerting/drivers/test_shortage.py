"""What the receiver's own machine lacks is no attempt, whatever the driver."""

import errno
import resource
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerting.drivers import Drivers
from alerting.drivers.outcome import Cause, NotTried, Outcome, Retry
from alerting.drivers.shortage import call_driver, raise_if_short
from tests.alerting.drivers.kit import order

DRIVERS: dict[str, dict[str, Any]] = {
    "docker": {"url": "http://127.0.0.1:1"},
    "supervisor": {"url": "unix:///nonexistent.sock"},
    "command": {"argv": ["/bin/true"]},
    "systemd": {"systemctl": "/bin/true"},
}
SHORT = "the receiver's own machine: Too many open files"


@pytest.fixture
def no_files() -> Iterator[Callable[[], None]]:
    """Makes that this process can open no file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_that_can_open_no_file_was_not_tried(name: str, no_files: Callable[[], None]) -> None:
    driver = Drivers.model_validate({name: {**DRIVERS[name], "servers": ["*"]}}).configured()[name]
    no_files()
    assert call_driver(lambda: driver.restart(order())) == NotTried(SHORT)


def test_the_cluster_that_cannot_be_reached_for_want_of_files_was_not_asked(
    tmp_path: Path, no_files: Callable[[], None]
) -> None:
    pytest.importorskip("kubernetes")

    settings = {"namespace": "fleet", "kubeconfig": str(tmp_path / "config"), "servers": ["*"]}
    driver = Drivers.model_validate({"kubernetes": settings}).configured()["kubernetes"]
    assert not isinstance(call_driver(lambda: driver.restart(order())), NotTried), "no such file is no shortage"
    no_files()
    assert call_driver(lambda: driver.restart(order())) == NotTried(SHORT)


def test_a_name_that_cannot_be_looked_up_for_want_of_files(no_files: Callable[[], None]) -> None:
    retry = Retry(Cause.UNREACHABLE, "name resolution failed")
    assert call_driver(lambda: retry) is retry
    no_files()
    assert call_driver(lambda: retry) == NotTried(SHORT)


def failing(err: BaseException) -> Callable[[], Outcome]:
    def call() -> Outcome:
        raise err

    return call


@pytest.mark.parametrize(
    ("err", "detail"),
    [
        (MemoryError(), "Cannot allocate memory"),
        (OSError(errno.ENOSPC, "full"), "No space left on device"),
        (RuntimeError("can't start new thread"), "can't start new thread"),
    ],
)
def test_memory_disk_and_threads_are_shortages_too(err: Exception, detail: str) -> None:
    assert call_driver(failing(err)) == NotTried(f"the receiver's own machine: {detail}")


@pytest.mark.parametrize("err", [ValueError("a bug"), RuntimeError("a bug"), OSError(errno.ECONNREFUSED, "refused")])
def test_everything_else_stays_what_it_is(err: Exception) -> None:
    with pytest.raises(type(err)):
        call_driver(failing(err))


def test_a_shortage_is_found_below_the_errors_of_libraries() -> None:
    outer = xmlrpc.client.Error("wrapped", OSError(errno.EMFILE, "files"))
    with pytest.raises(Exception, match="Too many open files"):
        raise_if_short(outer)
    raise_if_short(xmlrpc.client.Error("wrapped", OSError(errno.ECONNREFUSED, "refused")))
