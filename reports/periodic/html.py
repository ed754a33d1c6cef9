"""Renders a report as a self-contained HTML file, with a light and a dark theme."""

from datetime import UTC
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.html import colours, script
from reports.periodic.model import PeriodicReport
from reports.periodic.report_json import notice_of, report_data
from reports.plot import plot


def html(report: PeriodicReport, width: float) -> bytes:
    """The file.

    Args:
        report: the report.
        width: of its panels, in pixels.
    """
    environment = Environment(loader=PackageLoader("reports.periodic", "sheet"), autoescape=True)
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    page = report.panels
    return (
        environment.get_template("report.html")
        .render(
            report_data(report),
            style="".join([*colours(), files("reports.periodic").joinpath("sheet/report.css").read_text()]),
            script=script(),
            panels=page.panels if page else (),
            notice=notice_of,
            plot=lambda panel: plot(panel, page, width, UTC) if page else "",
        )
        .replace("\0", "\N{REPLACEMENT CHARACTER}")  # HTML has no such character, whatever its escape
        .encode()
    )
