"""Renders a report as a self-contained HTML file, with a light and a dark theme."""

from collections.abc import Callable
from datetime import UTC
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader

from nervesys.look.colours import theme_style
from reports.assets import chart_style, inline_policy, script
from reports.html import Canvas, chart_values, environment
from reports.model import Panel
from reports.periodic.model import PeriodicReport
from reports.periodic.report_json import notice_of, report_data

TREND_PIXELS = 480
"""Width of a trend, of which two stand side by side."""


def html(report: PeriodicReport, width: float) -> bytes:
    """The file.

    Args:
        report: the report.
        width: of its panels, in pixels.
    """
    sheet = files("reports.periodic").joinpath("sheet/report.css").read_text()
    style = f"{theme_style()}{chart_style()}{sheet}"
    loader = ChoiceLoader([PackageLoader("reports.periodic", "sheet"), PackageLoader("reports", "page")])
    return (
        environment(loader)
        .get_template("report.html")
        .render(
            report_data(report),
            style=style,
            script=script(),
            policy=inline_policy(style),
            panels=report.panels.panels if report.panels else (),
            trends=report.trends.panels if report.trends else (),
            notice=notice_of,
            **_chart_values(report, width),
        )
        .replace("\0", "\N{REPLACEMENT CHARACTER}")  # HTML has no such character, whatever its escape
        .encode()
    )


def _chart_values(report: PeriodicReport, width: float) -> dict[str, Any]:
    """What the graphs of both pages need; trends are narrower."""
    page = report.panels or report.trends
    if page is None:
        return {"page_data": None}
    narrow = {panel.name for panel in report.trends.panels} if report.trends else set()
    wide, small = (chart_values(page, Canvas(pixels, UTC)) for pixels in (width, TREND_PIXELS))

    def choose(name: str) -> Callable[[Panel], Any]:
        return lambda panel: (small if panel.name in narrow else wide)[name](panel)

    return wide | {name: choose(name) for name in ("chart_data", "plot", "legend_lines", "is_beside")}
