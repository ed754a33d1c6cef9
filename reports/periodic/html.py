"""Renders a report as a self-contained HTML file, with a light and a dark theme."""

from datetime import UTC
from importlib.resources import files

from jinja2 import ChoiceLoader, PackageLoader

from nervesys.look.colours import theme_style
from reports.assets import chart_style, inline_policy, script
from reports.html import Canvas, chart_values, environment
from reports.periodic.model import PeriodicReport
from reports.periodic.report_json import notice_of, report_data


def html(report: PeriodicReport, width: float) -> bytes:
    """The file.

    Args:
        report: the report.
        width: of its panels, in pixels.
    """
    sheet = files("reports.periodic").joinpath("sheet/report.css").read_text()
    style = f"{theme_style()}{chart_style()}{sheet}"
    page = report.panels
    loader = ChoiceLoader([PackageLoader("reports.periodic", "sheet"), PackageLoader("reports", "page")])
    return (
        environment(loader)
        .get_template("report.html")
        .render(
            report_data(report),
            style=style,
            script=script(),
            policy=inline_policy(style),
            panels=page.panels if page else (),
            notice=notice_of,
            **(chart_values(page, Canvas(width, UTC)) if page else {}),
        )
        .replace("\0", "\N{REPLACEMENT CHARACTER}")  # HTML has no such character, whatever its escape
        .encode()
    )
