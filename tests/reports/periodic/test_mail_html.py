"""The HTML body of a mail, as mail programs show it: no script, no style sheet needed, pictures inside of the mail.

Covers: reports.periodic.mail_html, reports.periodic.trend_png.
"""

import re
from base64 import b64encode
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from playwright.sync_api import Page

from nervesys.settings import load
from reports.periodic.compose import report_of
from reports.periodic.facts import Facts
from reports.periodic.mail import message
from reports.periodic.mail_html import ROWS, mail_body
from reports.periodic.model import PeriodicReport, ReportRow, ReportTable
from tests.reports.periodic.test_problems import RUNBOOK, facts

__all__ = ["facts"]
FORBIDDEN = {"script", "svg", "link", "iframe", "form", "object", "canvas", "video"}
UNSTYLED = {"html", "head", "meta", "title", "style", "tr", "td"}
GMAIL_BYTES = 102_000
"""Longer bodies are cut by Gmail."""
NASTY = "<script>alert(1)</script> <img src=x onerror=alert(2)>"


@pytest.fixture
def report(facts: Facts) -> PeriodicReport:
    return report_of(facts)


def parsed(report: PeriodicReport) -> EmailMessage:
    mail = load().settings.reports.mail.model_copy(update={"to": ("operators@example.org",)})
    found = message_from_bytes(message(report, mail, "monthly-2026-10", {}).as_bytes(), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


class Elements(HTMLParser):
    """All elements of a body with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_element_has_its_style_and_every_picture_lies_in_the_mail(report: PeriodicReport) -> None:
    email = parsed(report)
    assert email.get_content_type() == "multipart/alternative"
    html, text = email.get_body(("html",)), email.get_body(("plain",))
    assert html
    assert text
    elements = Elements(html.get_content()).found
    assert not FORBIDDEN & {tag for tag, _ in elements}
    assert not [tag for tag, attributes in elements if tag not in UNSTYLED and "style" not in attributes]
    wanted = {str(attributes["src"]) for tag, attributes in elements if tag == "img"}
    pictures = {str(part["content-id"]).strip("<>"): part for part in email.walk() if part["content-id"]}
    assert wanted == {f"cid:{name}" for name in pictures}
    assert all(re.fullmatch(r"[a-z-]+@[a-z.]+", name) for name in pictures), "some programs show no other (RFC 2392)"
    assert len(pictures) == 12, "six trends, light and dark"
    for part in pictures.values():
        assert part.get_content_type() == "image/png"
        assert part.get_content_disposition() == "inline"
        assert part.get_content().startswith(b"\x89PNG")
    shown = text.get_content()
    for words in ("Which hour was worst?", "Agent Down <https://example.org/alerts#agent-down>", RUNBOOK.text):
        assert words in shown


def test_no_part_of_a_mail_has_a_zero_byte(report: PeriodicReport) -> None:
    email = parsed(replace(report, notes=("a\0b",)))
    for kind in ("plain", "html"):
        part = email.get_body((kind,))
        assert part
        assert "a\ufffdb" in part.get_content()


def test_a_picture_that_is_not_loaded_is_described(report: PeriodicReport) -> None:
    assert 'alt="Errors: least 1 (3 Oct), most 30 (5 Oct)"' in mail_body(report).html


def opened(page: Page, report: PeriodicReport, width: int, scheme: str) -> None:
    body = mail_body(report)
    text = re.sub(
        "cid:([a-z-]+@[a-z.]+)",
        lambda it: f"data:image/png;base64,{b64encode(body.pictures[it[1]]).decode()}",
        body.html,
    )
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(text)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_follows_the_theme(report: PeriodicReport, page: Page, scheme: str) -> None:
    for width in (800, 390):
        opened(page, report, width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        shown = page.locator("img").evaluate_all("all => all.filter(it => it.clientWidth > 0).map(it => it.className)")
        assert shown == [f"{scheme}-picture"] * 6
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == {"light": "rgb(244, 245, 245)", "dark": "rgb(17, 18, 23)"}[scheme]


def test_without_its_style_sheet_it_is_the_light_mail(report: PeriodicReport, page: Page) -> None:
    body = mail_body(report).html
    page.set_content(re.sub("<style>.*?</style>", "", body, flags=re.DOTALL))
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(244, 245, 245)"
    hidden = page.locator("img.dark-picture").first
    assert not hidden.is_visible()


def test_what_strangers_wrote_is_text_and_much_of_it_is_cut(report: PeriodicReport) -> None:
    sections = []
    for section in report.sections:
        table = section.table and ReportTable(
            section.table.columns, (ReportRow((NASTY, *([NASTY] * (len(section.table.columns) - 1)))),) * 50
        )
        sections.append(replace(section, table=table))
    text = mail_body(replace(report, sections=tuple(sections), notes=(NASTY,))).html
    assert "<script" not in text
    assert "<img src=x" not in text
    assert f"and {50 - ROWS} more, in the attached files" in text
    assert len(text.encode()) < GMAIL_BYTES
