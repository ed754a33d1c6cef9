"""One engine and one stack for all tests of this folder; what was measured is printed at the end."""

import os
import time
from collections.abc import Iterator

import pytest

from tests.docker import images
from tests.docker.engine import Engine, NoEngine
from tests.docker.engine import engine as running_engine
from tests.docker.stack import DockerStack

MEASURED = pytest.StashKey[dict[str, float]]()


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine; where there is none, tests are skipped on a user's machine and fail in CI."""
    try:
        with running_engine() as found:
            yield found
    except NoEngine as err:
        if os.environ.get("CI"):
            pytest.fail(f"no container engine: {err}")
        pytest.skip(f"NO CONTAINER ENGINE, so Docker is NOT tested: {err}")


@pytest.fixture(scope="session")
def stack(engine: Engine, request: pytest.FixtureRequest) -> Iterator[DockerStack]:
    """The stack, built and healthy."""
    began = time.monotonic()
    images.prepare(engine)
    found = DockerStack(engine)
    found.seconds["base and foreign images"] = time.monotonic() - began
    request.config.stash[MEASURED] = found.seconds
    began = time.monotonic()
    found.compose("build")
    found.seconds["build"] = time.monotonic() - began
    began_well = False
    try:
        found.up("up -> all healthy")
        began_well = True
        yield found
    finally:
        if request.session.testsfailed or not began_well:
            print(found.try_compose("logs", "--tail=40").stdout.decode()[-20000:])
        found.try_compose("--profile=docker", "down", "--volumes", "--timeout=5")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was measured."""
    for name, value in config.stash.get(MEASURED, {}).items():
        terminalreporter.write_line(f"docker: {name}: {value:.1f}")
