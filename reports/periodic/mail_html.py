"""Renders a report as the HTML body of a mail, for programs that know neither scripts nor style sheets nor SVG.

Tables lay it out, each element has its own style, and the trends are pictures inside of the mail. The only style sheet
has the dark colours: programs that read it follow the reader's system, and others invert colours themselves.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import PackageLoader

from nervesys.contract.times import utc
from nervesys.look.colours import SHADES, Theme, shade
from reports.html import environment
from reports.model import Graph, Panel
from reports.periodic.model import PeriodicReport
from reports.periodic.report_json import Json, notice_of, report_data
from reports.periodic.trend_png import trend_png

ROWS = 8
"""Most rows of a section in a mail; the attached files have all."""
SHOWN = ("What to do next", "What recurs", "Worst hours")
"""Sections of a mail, beside the answers, figures and trends."""

DOMAIN = "pictures.nervesys"


@dataclass(frozen=True)
class MailBody:
    """The body of a mail.

    Attributes:
        html: refers to pictures as `cid:NAME`.
        pictures: PNG by name, which has the form of an address (RFC 2392, `addr-spec`).
    """

    html: str
    pictures: dict[str, bytes]


def mail_body(report: PeriodicReport) -> MailBody:
    """The body of a report's mail."""
    pictures: dict[str, bytes] = {}
    trends = [_trend(panel, report, pictures) for panel in report.trends.panels] if report.trends else []
    data = dict(report_data(report))
    data["sections"] = list(_sections(data["sections"]))
    text = (
        environment(PackageLoader("reports.periodic", "sheet"))
        .get_template("mail.html")
        .render(
            data,
            trends=trends,
            light={name: shade(name, Theme.LIGHT) for name in SHADES},
            dark={name: shade(name, Theme.DARK) for name in SHADES},
        )
    )
    return MailBody(text.replace("\0", "\N{REPLACEMENT CHARACTER}"), pictures)


def _sections(all_: Sequence[Json]) -> Iterator[Json]:
    for section in all_:
        if section["title"] in SHOWN:
            rows = section["rows"]
            yield {**section, "rows": rows[:ROWS], "more": max(0, len(rows) - ROWS)}


def _trend(panel: Panel, report: PeriodicReport, pictures: dict[str, bytes]) -> dict[str, Any]:
    names = {}
    if isinstance(panel.body, Graph) and report.trends:
        for theme in Theme:
            names[theme.value] = f"{panel.name}-{theme}@{DOMAIN}"
            pictures[names[theme.value]] = trend_png(panel, report.trends, theme)
    return {"title": panel.title, "about": panel.description, "notice": notice_of(panel), "alt": _alt(panel)} | {
        "pictures": names
    }


def _alt(panel: Panel) -> str:
    """What a graph shows, in words, for readers whose program shows no pictures."""
    if not isinstance(panel.body, Graph):
        return ""
    sums: defaultdict[float, float] = defaultdict(float)
    for line in panel.body.lines:
        for at, value in line.points:
            sums[at] += value
    number_format, step = panel.body.lines[0].number_format, panel.body.step

    def point(at: float) -> str:
        return f"{number_format.text(sums[at], trimmed=True)} ({_when(at, step)})"

    least, most = (choose(sums, key=lambda at: sums[at]) for choose in (min, max))
    return f"{panel.title}: least {point(least)}, most {point(most)}"


def _when(middle: float, step: float) -> str:
    begin = utc(middle - step / 2)
    return f"{begin.day} {begin:%b}" if step > 3600 else f"{begin:%H:%M}"
