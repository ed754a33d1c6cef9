"""The browser of the tests sees what people see, and tells what a page may not do."""

import asyncio
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.servers.chromium import opened

STRICT = "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\"><script>document.title = 1</script>"


def test_a_page_is_drawn_and_its_picture_kept(page: Page, tmp_path: Path) -> None:
    page.set_content("<label>Name <input></label>")
    page.get_by_label("Name").fill("grok")
    page.screenshot(path=tmp_path / "name.png")
    assert page.get_by_label("Name").input_value() == "grok"
    assert (tmp_path / "name.png").read_bytes().startswith(b"\x89PNG")


def test_what_a_page_may_not_do_is_an_error(browser: Browser) -> None:
    with pytest.raises(AssertionError, match="Content Security Policy"), opened(browser) as page:
        page.set_content(STRICT)


@pytest.mark.usefixtures("chromium_program")
def test_no_event_loop_is_left_running() -> None:
    assert asyncio.run(asyncio.sleep(0, "another test's")) == "another test's"
