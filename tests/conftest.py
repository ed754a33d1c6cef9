"""Shared by all tests: an environment without surprises.

Loads pytest alone. Fixtures import what they need when they are used, so that a test without servers starts at once.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.servers.chromium import Chromium
    from tests.servers.postgres import Postgres

FOREIGN = (
    "NERVESYS_",
    "STORJ_",
    "GDRIVE_",
    "GITHUB_",
    "AWS_",
    "DASHSCOPE_",
    "WORKSPACE_",
    "PROJECT_ID",
    "PERSISTENT_STORAGE",
)
"""Settings of the machine that tests run on; none of them may reach a test."""
PROGRAMS = Path(__file__).parent.parent / ".nervesys" / "programs"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, credential or setting of this machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Path of a real program, such as `program("promtool")`; downloaded once for all tests of this checkout."""
    from nervesys.stack.programs import find

    return lambda name: str(find(name, PROGRAMS))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that rewrites golden files."""
    parser.addoption("--update-golden", action="store_true", help="Rewrite golden files with the current output.")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, bytes], None]:
    """Compare with a golden file, byte for byte."""

    def compare(file: Path, got: bytes) -> None:
        if request.config.getoption("--update-golden"):
            file.write_bytes(got)
        assert got.decode() == file.read_text()

    return compare


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Wait for a condition; the test fails after a generous time."""

    def wait(condition: Callable[[], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds:g} s"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def postgresql() -> "Iterator[Postgres]":
    """A real PostgreSQL; its tests are skipped, with the reason, where it can be neither found nor downloaded."""
    from nervesys.stack.programs import ProgramMissing
    from tests.servers.postgres import postgres

    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres(PROGRAMS))
        except ProgramMissing as err:
            pytest.skip(str(err))
        yield server


@pytest.fixture(scope="session")
def chromium_program() -> "Chromium":
    """A real browser; its tests are skipped, with the reason, where it can be neither found nor downloaded."""
    from nervesys.stack.programs import ProgramMissing
    from tests.servers.chromium import chromium

    try:
        return chromium(PROGRAMS)
    except ProgramMissing as err:
        pytest.skip(str(err))


@pytest.fixture
def browser(chromium_program: "Chromium") -> "Iterator[Browser]":
    """A browser of this test's own; name it after fixtures that use `asyncio.run`: its event loop runs from here."""
    with chromium_program.started() as browser:
        yield browser


@pytest.fixture
def page(browser: "Browser", tmp_path: Path) -> "Iterator[Page]":
    """A tab; its last picture is `page.png` in the test's folder."""
    from tests.servers.chromium import open_page

    with open_page(browser) as page:
        yield page
        page.screenshot(path=tmp_path / "page.png", full_page=True)
