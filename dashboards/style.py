"""The common style: colours, units, thresholds, sizes, and the kinds of panels.

Every panel has a title, a description that says which question it answers, a unit, and a text for when it is empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from grafanalib.core import Stat, StateTimeline, TimeSeries

from dashboards.grafana_json import HEATMAP, BarGauge, Json, PrometheusTarget
from nervesys.contract.dashboard_links import AGENT_PAGE, AGENT_VARIABLE
from nervesys.contract.state import Status
from nervesys.metrics import Period
from nervesys.metrics.periods import Periods
from nervesys.settings import Settings
from nervesys.settings.thresholds import PercentThresholds


class Colour(StrEnum):
    """By meaning; the names are Grafana's, which knows a light and a dark shade of each."""

    GOOD = "green"
    WARNING = "orange"
    CRITICAL = "red"
    CALM = "blue"
    NEUTRAL = "text"
    OFF = "#808080"
    ODD = "purple"
    NOTE = "yellow"


class PanelUnit(StrEnum):
    """The units in use, by Grafana's names. Counts have no decimals setting: Grafana applies it after scaling."""

    COUNT = "short"
    RATIO = "percentunit"
    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    SECONDS = "s"
    PER_SECOND = "count:/s"
    PER_MINUTE = "count:/min"
    AGO = "dateTimeFromNow"
    NONE = "none"


AXIS_TOP: Mapping[str, float] = {
    PanelUnit.RATIO: 0.1,
    PanelUnit.BYTES: 1024,
    PanelUnit.BYTES_PER_SECOND: 1000,
    PanelUnit.SECONDS: 0.1,
    PanelUnit.PER_SECOND: 0.1,
}
"""Lowest top of a graph's axis by unit, else 1, or a cent: without it, Grafana draws a graph of zeros from 0 to 100."""

CURRENCY_SYMBOLS = {"BRL": "R$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "USD": "$"}
"""Symbols of the currencies that Grafana has a unit for, all written before the number."""

LEGEND_WIDTH = 150
"""Pixels of a legend at the right."""
TILE, SHORT, MEDIUM, TALL = 4, 6, 8, 10
"""Heights of a line of panels, in grid units of about 30 pixels."""

Steps = tuple[tuple[float | None, Colour], ...]
"""(lowest value, colour); the first step has no value."""
PLAIN: Steps = ((None, Colour.NEUTRAL),)
QUIET: Steps = ((None, Colour.CALM),)
ANY_IS_WARNING: Steps = ((None, Colour.GOOD), (1, Colour.WARNING))
ANY_IS_CRITICAL: Steps = ((None, Colour.GOOD), (1, Colour.CRITICAL))
NONE_IS_CRITICAL: Steps = ((None, Colour.CRITICAL), (1, Colour.GOOD))

EMPTY = "No data in this time range"
MISSING_INDEX = 1000
"""Place of a mapping among those of a panel: after all others."""
NO_VALUE = "\N{EN DASH}"
"""Of a table's cell."""
SILENT_CODE, FIRST_HEALTHY_CODE = 0, 99
"""Codes of a silent agent, and of the first healthy status. Lower is worse; healthy codes are far above the others, so
that the mean of an agent's codes shows how long it was in trouble."""
STATUS_COLOURS = {
    Status.DEGRADED: Colour.WARNING,
    Status.STOPPED: Colour.OFF,
    Status.STOPPING: Colour.ODD,
    Status.STARTING: Colour.NOTE,
    Status.IDLE: Colour.CALM,
    Status.RUNNING: Colour.GOOD,
}
"""From the worst to the best."""
LEVEL_COLOURS = {
    "ERROR": Colour.CRITICAL,
    "WARN": Colour.WARNING,
    "INFO": Colour.CALM,
    "DEBUG": Colour.OFF,
}
SEVERITY_COLOURS = {"critical": Colour.CRITICAL, "warning": Colour.WARNING, "info": Colour.CALM}
STATE_COLOURS = {
    "recovered": Colour.GOOD,
    "succeeded": Colour.CALM,
    "deferred": Colour.ODD,
    "skipped": Colour.OFF,
    "failed": Colour.WARNING,
    "rejected": Colour.WARNING,
    "escalated": Colour.CRITICAL,
}


@dataclass(frozen=True)
class PageContext:
    """Settings and periods that the pages are generated for.

    Attributes:
        settings: thresholds, and settings for Grafana.
        periods: of the families, in seconds.
    """

    settings: Settings
    periods: Periods

    @property
    def money(self) -> str:
        """The unit of costs: Grafana's own where it knows the currency's symbol."""
        code = self.settings.prices.currency
        return f"currency{code}" if code in CURRENCY_SYMBOLS else f"currency:{code}\N{NO-BREAK SPACE}"

    def duration_of(self, period: Period) -> str:
        """A period as Grafana and PromQL write it."""
        return duration(self.periods[period])

    def log_query(self, expr: str, legend: str = "") -> PrometheusTarget:
        """A query over families that change only when logs are shipped: `$__rate_interval` spans four shipments."""
        return PrometheusTarget(expr=expr, legendFormat=legend, interval=self.duration_of(Period.SHIP))

    @property
    def heartbeat_steps(self) -> Steps:
        """Colours of a heartbeat's age."""
        beat = self.settings.thresholds.heartbeat
        return rising_steps(2 * beat.interval_seconds, beat.down_after_seconds)


def duration(seconds: float) -> str:
    """Such as `90s` or `10m`; Grafana and PromQL both read it."""
    whole = int(seconds)
    if whole == seconds and whole % 60 == 0:
        return f"{whole // 60}m"
    return f"{whole}s" if whole == seconds else f"{int(seconds * 1000)}ms"


def rising_steps(warning: float, critical: float) -> Steps:
    """Steps for values of which lower is better."""
    return (None, Colour.GOOD), (warning, Colour.WARNING), (critical, Colour.CRITICAL)


def falling_steps(critical: float, warning: float) -> Steps:
    """Steps for values of which higher is better."""
    return (None, Colour.CRITICAL), (critical, Colour.WARNING), (warning, Colour.GOOD)


def steps_of_pair(pair: PercentThresholds) -> Steps:
    """A pair of percentages as steps of a ratio."""
    return rising_steps(pair.warning / 100, pair.critical / 100)


def query(expr: str, legend: str = "") -> PrometheusTarget:
    """A query over families that change with each scrape or heartbeat."""
    return PrometheusTarget(expr=expr, legendFormat=legend)


def mapping(*rows: tuple[float | str, str, Colour]) -> list[Json]:
    """Value mappings: texts and colours for numbers or label values."""
    options = {str(value): {"color": colour, "index": i, "text": text} for i, (value, text, colour) in enumerate(rows)}
    return [{"options": options, "type": "value"}]


def missing(text: str) -> Json:
    """The mapping of a value that is missing: without it, Grafana gives its text the colour of the lowest step."""
    result = {"color": Colour.NEUTRAL, "index": MISSING_INDEX, "text": text}
    return {"options": {"match": "null+nan", "result": result}, "type": "special"}


def coloured(colours: Mapping[str, Colour]) -> list[Json]:
    """Colours of the values of a label."""
    return mapping(*((value, value, colour) for value, colour in colours.items()))


HEALTHY = (Status.IDLE, Status.RUNNING)
STATUS_CODES = {
    **{
        status: code
        for code, status in enumerate((each for each in STATUS_COLOURS if each not in HEALTHY), SILENT_CODE + 1)
    },
    **{status: code for code, status in enumerate(HEALTHY, FIRST_HEALTHY_CODE)},
}
STATUS_MAPPINGS = mapping(
    (SILENT_CODE, "silent", Colour.CRITICAL),
    *((code, status.value, STATUS_COLOURS[status]) for status, code in STATUS_CODES.items()),
)
UP_MAPPINGS = mapping((0, "down", Colour.CRITICAL), (1, "up", Colour.GOOD))


def thresholds(steps: Steps) -> list[Json]:
    """Steps as Grafana writes them."""
    return [{"color": colour, "value": value} for value, colour in steps]


def link(title: str, url: str) -> Json:
    """A link from a value; it keeps the time range and the data source."""
    joint = "&" if "?" in url else "?"
    return {
        "targetBlank": False,
        "title": title,
        "url": f"{url}{joint}${{__url_time_range}}&${{datasource:queryparam}}",
    }


PAGE_OF_AGENT = f"/d/{AGENT_PAGE}?var-{AGENT_VARIABLE}="
TO_AGENT = link("Agent Details of ${__field.labels.agent}", PAGE_OF_AGENT + "${__field.labels.agent}")
AGENT_CELL = link("Agent Details of ${__value.text}", PAGE_OF_AGENT + "${__value.raw}")


def stat(
    title: str,
    description: str,
    unit: str,
    *queries: PrometheusTarget,
    steps: Steps = PLAIN,
    mappings: Sequence[Json] = (),
    empty: str = "none",
    links: Sequence[Json] = (),
    named: bool = False,
) -> Stat:
    """One number for each series; `named` shows the name even of a single series."""
    return Stat(
        title=title,
        description=description,
        format=unit,
        targets=[each.as_instant(legend=each.legendFormat or title) for each in queries],
        thresholds=thresholds(steps),
        color={"mode": "thresholds"},
        colorMode="value",
        graphMode="none",
        mappings=[*mappings, missing(empty)],
        noValue=empty,
        textMode="value_and_name" if named else "auto",
        extraJson={"fieldConfig": {"defaults": {"links": list(links)}}},
    )


def graph(
    title: str,
    description: str,
    unit: str,
    *queries: PrometheusTarget,
    steps: Steps = (),
    colours: Mapping[str, Colour] | None = None,
    stacked: bool = False,
    top: int | None = None,
    empty: str = EMPTY,
    links: Sequence[Json] = (),
    many: bool = False,
) -> TimeSeries:
    """Lines over time, or stacked bars; steps are drawn as dashed lines. A name has one colour on every page.

    The names of `many` lines stand at the right, where they leave the graph its height.
    """
    return TimeSeries(
        title=title,
        description=description,
        unit=unit,
        targets=list(queries),
        thresholds=thresholds(steps or PLAIN),
        thresholdsStyleMode="dashed" if steps else "off",
        colorMode="palette-classic-by-name",
        drawStyle="bars" if stacked else "line",
        fillOpacity=60 if stacked else 8,
        lineWidth=0 if stacked else 1,
        stacking={"group": "A", "mode": "normal" if stacked else "none"},
        showPoints="never" if stacked else "auto",
        tooltipMode="multi",
        tooltipSort="desc",
        valueMin=0,
        valueMax=top,
        overrides=[_painted(name, colour) for name, colour in (colours or {}).items()],
        legendPlacement="right" if many else "bottom",
        extraJson={
            "fieldConfig": {
                "defaults": {
                    "custom": {"axisSoftMax": _axis_top(unit)},
                    "links": list(links),
                    "noValue": empty,
                }
            },
            "options": {"legend": {"width": LEGEND_WIDTH} if many else {}},
        },
    )


def _axis_top(unit: str) -> float:
    return AXIS_TOP.get(unit, 0.01 if unit.startswith("currency") else 1)


def _painted(name: str, colour: Colour) -> Json:
    return _override(name, {"id": "color", "value": {"fixedColor": colour, "mode": "fixed"}})


def _override(name: str, *properties: Json) -> Json:
    return {"matcher": {"id": "byName", "options": name}, "properties": list(properties)}


def timeline(
    title: str,
    description: str,
    *queries: PrometheusTarget,
    mappings: Sequence[Json],
    empty: str = EMPTY,
    links: Sequence[Json] = (),
) -> StateTimeline:
    """One row of states over time for each series."""
    return StateTimeline(
        title=title,
        description=description,
        targets=list(queries),
        mappings=list(mappings),
        thresholds=thresholds(PLAIN),
        showValue="never",
        rowHeight=0.85,
        fillOpacity=80,
        extraJson={"fieldConfig": {"defaults": {"links": list(links), "noValue": empty, "unit": PanelUnit.NONE}}},
    )


def histogram_bars(title: str, description: str, histogram: str, matchers: str, *, empty: str = EMPTY) -> BarGauge:
    """A histogram: one bar a bucket with what was observed in the time range.

    Args:
        title: of the panel.
        description: the question that it answers.
        histogram: the family's name.
        matchers: of its series; may be empty.
        empty: what it says where nothing was observed.
    """
    grown = f"increase({histogram}_bucket{{{matchers}}}[$__range])"
    # Prometheus 3 stores le="5" as le="5.0"; samples of an earlier release, or backfilled, are as they were exposed.
    plain = f'label_replace({grown}, "le", "$1", "le", "(.+)[.]0")'
    buckets = query(f"round(sum by (le) ({plain}))", "{{le}}")
    panel = bars(title, description, PanelUnit.COUNT, buckets, empty=empty)
    panel.targets = [buckets.as_instant(HEATMAP)]
    config = panel.extraJson["fieldConfig"]
    config["defaults"]["displayName"] = "\N{LESS-THAN OR EQUAL TO} ${__field.labels.le}"
    config["overrides"] = [_override("+Inf", {"id": "displayName", "value": "more"})]
    return panel


def bars(
    title: str,
    description: str,
    unit: str,
    *queries: PrometheusTarget,
    steps: Steps = QUIET,
    empty: str = EMPTY,
) -> BarGauge:
    """One bar a series, for comparing them now."""
    return BarGauge(
        title=title,
        description=description,
        targets=[each.as_instant() for each in queries],
        thresholds=thresholds(steps),
        extraJson={"fieldConfig": {"defaults": {"noValue": empty, "unit": unit}}},
    )
