"""A real browser: headless Chromium, the machine's or the distribution's unpacked, driven by Playwright.

A browser lives for one test: Playwright's synchronous interface keeps an event loop running in its thread, beside
which no other test could call `asyncio.run`. Starting one takes less than half a second.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, ViewportSize, sync_playwright

from nervesys.stack.programs import ProgramMissing, unpack

NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
DOWNLOAD = (
    "install",
    "--download-only",
    "--yes",
    "--no-install-recommends",
    "-oDebug::NoLocking=1",
    "chromium-headless-shell",
    "fonts-dejavu-core",
)
"""The browser, letters to draw, and what of its libraries the machine lacks."""
FETCHED = "usr/lib/chromium/chromium-headless-shell"
DESK: ViewportSize = {"width": 1280, "height": 800}
"""Pixels of a window."""
FORBIDDEN = "Content Security Policy"
"""Stands in every message about something that a page may not do."""


@dataclass(frozen=True)
class Chromium:
    """A browser that can be started.

    Attributes:
        program: its path.
        environment: that it needs to find its libraries and fonts.
    """

    program: Path
    environment: dict[str, str]

    @contextmanager
    def started(self) -> Iterator[Browser]:
        """A browser of its own; its sandbox is off only where root runs it, which Chromium refuses otherwise.

        Raises:
            Error: it does not start, says Playwright.
        """
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=self.program,
                chromium_sandbox=os.getuid() != 0,
                env={**os.environ, **self.environment},
            )
            yield browser
            browser.close()


def chromium(programs: Path) -> Chromium:
    """The machine's browser, or one fetched into the folder of programs.

    Raises:
        ProgramMissing: it is neither here nor to be had, or does not start here.
    """
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    found = Chromium(Path(installed), {}) if installed else _fetched(unpack(programs / "chromium", *DOWNLOAD))
    try:
        with found.started():
            return found
    except Error as err:
        raise ProgramMissing(f"start {found.program}: {_cause(err)}") from err


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """A tab that forbids what the page forbids: breaking its own policy, and scripts that fail, fail the test."""
    wrong: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if FORBIDDEN in message.text:
            wrong.append(message.text)

    page = browser.new_page(viewport=DESK)
    page.on("console", heard)
    page.on("pageerror", lambda err: wrong.append(str(err)))
    yield page
    page.close()
    assert not wrong, wrong


def _fetched(root: Path) -> Chromium:
    libraries = sorted({str(library.parent) for library in root.rglob("*.so*")})
    environment = {"LD_LIBRARY_PATH": ":".join(libraries), "XDG_DATA_HOME": str(root / "usr/share")}
    fonts = root / "etc/fonts/fonts.conf"
    return Chromium(root / FETCHED, environment | ({"FONTCONFIG_FILE": str(fonts)} if fonts.exists() else {}))


def _cause(err: Error) -> str:
    """The browser's own words, which Playwright quotes deep in its own."""
    lines = err.message.splitlines()
    return next((line.partition("[err] ")[2] for line in lines if "[err] " in line), lines[0])
