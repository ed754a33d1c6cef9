"""The browser of the tests draws pages, and reports violations of a page's policy."""

import asyncio
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.servers.chromium import open_page

STRICT = "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\"><script>document.title = 1</script>"


def test_a_page_is_drawn_and_its_picture_kept(page: Page, tmp_path: Path) -> None:
    page.set_content("<label>Name <input></label>")
    page.get_by_label("Name").fill("grok")
    page.screenshot(path=tmp_path / "name.png")
    assert page.get_by_label("Name").input_value() == "grok"
    assert (tmp_path / "name.png").read_bytes().startswith(b"\x89PNG")


def test_a_violation_of_the_page_s_policy_fails_the_test(browser: Browser) -> None:
    with pytest.raises(AssertionError, match="Content Security Policy"), open_page(browser) as page:
        page.set_content(STRICT)


@pytest.mark.usefixtures("chromium_program")
def test_no_event_loop_is_left_running() -> None:
    assert asyncio.run(asyncio.sleep(0, "another test's")) == "another test's"
