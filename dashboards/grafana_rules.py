"""Rules about what Grafana shows: each finds what looks right in the JSON, and wrong on the screen."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from dashboards.grafana_json import Json
from dashboards.layout import COLUMNS
from dashboards.tables import EVERY_COLUMN

SCREEN_WIDTH, PANEL_MARGIN = 1400, 18
"""Pixels: of a page on a laptop, and of a panel's borders with its scroll bar."""
DEFAULT_WIDTH = 150
"""Pixels of a column for which no width is configured."""
SCALED_UNITS = re.compile(r"short|bytes|decbytes|Bps|binBps|s|ms|count:.*|currency.*|si:.*")
LINK = re.compile(r"/d/([A-Za-z0-9_-]+)(?:\?var-(\w+)=)?")
HIDDEN_VARIABLE = 2


def variable_names(pages: Sequence[Json]) -> Iterator[tuple[str, str]]:
    """Variables whose name stands for one value here, and for several on another page."""
    several = {each["name"]: page["uid"] for page in pages for each in _queried(page) if each.get("multi")}
    for page in pages:
        for variable in _queried(page):
            if not variable.get("multi") and variable["name"] in several:
                name, other = f"${variable['name']}", several[variable["name"]]
                problem = f"{name} takes one value, but links pass on the several values of {name} of {other}"
                yield page["uid"], f"{problem}: give it a name of its own, and set that name in links to this page"


def links(pages: Sequence[Json]) -> Iterator[tuple[str, str]]:
    """Links to a page, or to a variable of it, that does not exist."""
    variables = {page["uid"]: {each["name"] for each in page["templating"]["list"]} for page in pages}
    for page in pages:
        for uid, name in sorted(set(LINK.findall(json.dumps(page)))):
            if uid not in variables:
                yield (
                    page["uid"],
                    f"a link leads to /d/{uid}, which is no page; there are: {', '.join(variables)}",
                )
            elif name and name not in variables[uid]:
                yield (
                    page["uid"],
                    f"a link to {uid} sets ${name}, which it does not have: use its variable's name",
                )


def hidden_variables(page: Json) -> Iterator[str]:
    """Hidden variables that links would pass on."""
    for variable in _queried(page):
        if variable.get("hide") == HIDDEN_VARIABLE and not variable.get("skipUrlSync"):
            yield f"${variable['name']} is hidden, yet links pass on its value: set skipUrlSync to true"


def current_values(page: Json) -> Iterator[str]:
    """Variables without a current value."""
    for variable in page["templating"]["list"]:
        if not {"text", "value"} <= set(variable.get("current", {})):
            yield f"${variable['name']} has no current value: give `current` a text and a value, empty ones if need be"


def annotation_form(page: Json) -> Iterator[str]:
    """Annotations in the form that Grafana reads only by migrating it."""
    for marks in page["annotations"]["list"]:
        if "expr" in marks or "step" in marks:
            yield f"annotation {marks['name']!r}: move expr and step to target, as {{refId, expr, interval}}"


def decimals(panel: Json) -> Iterator[str]:
    """Numbers that are rounded after they were scaled."""
    for name, config in _configs(panel):
        if config.get("decimals") == 0 and SCALED_UNITS.fullmatch(config.get("unit", "")):
            yield (
                f"{name}decimals of 0 apply to the scaled number, so that 2.75 M becomes 3 M: remove decimals, and "
                "make whole numbers in the query by round(…)"
            )


def whole_numbers(panel: Json) -> Iterator[str]:
    """Counts of things that `increase` makes fractions of."""
    if panel["fieldConfig"]["defaults"].get("unit") == "short":
        for target in panel["targets"]:
            if re.search(r"\bincrease\(", target["expr"]) and "round(" not in target["expr"]:
                yield f"{target['refId']}: increase(…) extrapolates, so that 3 becomes 3.2: put round(…) around it"


def quantiles(panel: Json) -> Iterator[str]:
    """Graphs that list series without any observation."""
    if panel["type"] != "table":
        for target in panel["targets"]:
            if re.search(r"\bhistogram_quantile\(", target["expr"]) and ">= 0" not in target["expr"]:
                yield f"{target['refId']}: without observations the quantile is NaN, which is listed: append >= 0"


def missing_values(panel: Json) -> Iterator[str]:
    """Tiles whose text for a missing value has the colour of the lowest threshold."""
    config = panel["fieldConfig"]["defaults"]
    mapped = any(each["type"] == "special" for each in config["mappings"])
    if panel["type"] == "stat" and len(config["thresholds"]["steps"]) > 1 and not mapped:
        colour = config["thresholds"]["steps"][0]["color"]
        yield f"{config.get('noValue')!r} would be {colour}: add a special mapping of null+nan with the colour text"


def legends(panel: Json) -> Iterator[str]:
    """Series that Grafana would call "Value"."""
    if panel["type"] != "table":
        for target in panel["targets"]:
            if not target["legendFormat"]:
                yield f"{target['refId']}: the series would be called Value: give the query a legend"


def empty_cells(panel: Json) -> Iterator[str]:
    """Tables whose cells show the text of an empty table."""
    if panel["type"] == "table" and panel["fieldConfig"]["overrides"][:1] != [EVERY_COLUMN]:
        text = panel["fieldConfig"]["defaults"].get("noValue", "")
        yield f"each cell without a value shows {text!r}: make the first override {json.dumps(EVERY_COLUMN)}"


def columns(panel: Json) -> Iterator[str]:
    """Tables that show whatever labels their queries bring."""
    if panel["type"] == "table" and not _columns(panel):
        yield (
            "labels that a query brings unasked, such as __name__, become columns: name the columns to show in a "
            "transformation filterFieldsByName (include)"
        )


def table_width(panel: Json) -> Iterator[str]:
    """Tables that are wider than their panel, so that columns are cut off."""
    if panel["type"] != "table":
        return
    needed = sum(_width(panel, name) for name in _columns(panel))
    given = SCREEN_WIDTH * panel["gridPos"]["w"] // COLUMNS - PANEL_MARGIN
    if needed > given:
        yield (
            f"its columns need {needed} pixels, and the panel has {given} on a screen of {SCREEN_WIDTH}: set "
            "custom.minWidth of columns, drop one, or widen the panel"
        )


def _queried(page: Json) -> list[Json]:
    return [variable for variable in page["templating"]["list"] if variable["type"] == "query"]


def _configs(panel: Json) -> Iterator[tuple[str, Json]]:
    """The defaults, and the properties of each override with the name that it is for."""
    defaults = panel["fieldConfig"]["defaults"]
    yield "", defaults
    for override in panel["fieldConfig"]["overrides"]:
        properties = {each["id"]: each.get("value") for each in override["properties"]}
        yield f"{override.get('matcher', {}).get('options')}: ", {"unit": defaults.get("unit", "")} | properties


def _columns(panel: Json) -> list[str]:
    """Titles of the columns that a table shows; none if it does not name them."""
    named: list[str] = []
    for step in panel["transformations"]:
        named = step["options"].get("include", {}).get("names", named) if step["id"] == "filterFieldsByName" else named
        if step["id"] == "organize":
            named = [step["options"]["renameByName"].get(name, name) for name in named]
    return named


def _width(panel: Json, column: str) -> int:
    config = dict(panel["fieldConfig"]["defaults"].get("custom", {}))
    for override in panel["fieldConfig"]["overrides"]:
        if override.get("matcher", {}).get("options") == column:
            config |= {each["id"].removeprefix("custom."): each.get("value") for each in override["properties"]}
    if config.get("hidden") or config.get("hideFrom.viz"):
        return 0
    return int(config.get("width") or config.get("minWidth") or DEFAULT_WIDTH)


ALL_PAGES: Mapping[str, Callable[[Sequence[Json]], Iterator[tuple[str, str]]]] = {
    "links": links,
    "variable-names": variable_names,
}
"""Rules about several pages: each finding with the uid of its page."""
EACH_PAGE: Mapping[str, Callable[[Json], Iterator[str]]] = {
    "annotation-form": annotation_form,
    "current-values": current_values,
    "hidden-variables": hidden_variables,
}
EACH_PANEL: Mapping[str, Callable[[Json], Iterator[str]]] = {
    "columns": columns,
    "decimals": decimals,
    "empty-cells": empty_cells,
    "legends": legends,
    "missing-values": missing_values,
    "quantiles": quantiles,
    "table-width": table_width,
    "whole-numbers": whole_numbers,
}
