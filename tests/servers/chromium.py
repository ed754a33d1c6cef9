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
"""The browser, a font, and the libraries that the machine lacks."""
DOWNLOADED = "usr/lib/chromium/chromium-headless-shell"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
"""Pixels of a window."""
FORBIDDEN = "Content Security Policy"
"""Part of every console message about a violation."""


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
        """Run a browser.

        Raises:
            Error: of Playwright; it does not start.
        """
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=self.program,
                chromium_sandbox=os.getuid() != 0,  # Chromium refuses to run as root with its sandbox
                env={**os.environ, **self.environment},
            )
            yield browser
            browser.close()


def chromium(programs: Path) -> Chromium:
    """The installed browser, or one downloaded to the folder of programs.

    Raises:
        ProgramMissing: it can be neither found nor downloaded, or does not start.
    """
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    found = Chromium(Path(installed), {}) if installed else _downloaded(unpack(programs / "chromium", *DOWNLOAD))
    try:
        with found.started():
            return found
    except Error as err:
        raise ProgramMissing(f"start {found.program}: {_cause(err)}") from err


@contextmanager
def open_page(browser: Browser) -> Iterator[Page]:
    """A tab; the test fails if a script fails or the page violates its own Content Security Policy."""
    problems: list[str] = []

    def check(message: ConsoleMessage) -> None:
        if FORBIDDEN in message.text:
            problems.append(message.text)

    page = browser.new_page(viewport=DESKTOP)
    page.on("console", check)
    page.on("pageerror", lambda err: problems.append(str(err)))
    yield page
    page.close()
    assert not problems, problems


def _downloaded(root: Path) -> Chromium:
    libraries = sorted({str(library.parent) for library in root.rglob("*.so*")})
    environment = {"LD_LIBRARY_PATH": ":".join(libraries), "XDG_DATA_HOME": str(root / "usr/share")}
    fonts = root / "etc/fonts/fonts.conf"
    return Chromium(root / DOWNLOADED, environment | ({"FONTCONFIG_FILE": str(fonts)} if fonts.exists() else {}))


def _cause(err: Error) -> str:
    """The browser's own error, which Playwright quotes deep in its message."""
    lines = err.message.splitlines()
    return next((line.partition("[err] ")[2] for line in lines if "[err] " in line), lines[0])
