"""Formats values as the field configuration of a panel says: unit, mappings, colours, links, and overrides."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from nervesys.queries.dashboard_queries import Json
from nervesys.queries.variables import substitute
from reports.colours import colour_name
from reports.model import Cell
from reports.units import AGO, NumberFormat, text_of

COLOURED_CELLS = frozenset({"color-text", "color-background"})
_LABEL = re.compile(r"\$\{__field\.labels\.(\w+)\}")
_CELL = re.compile(r"\$\{__data\.fields\.([\w ]+)\}")


@dataclass(frozen=True)
class FormatContext:
    """Time and links for formatting values.

    Attributes:
        now: Unix seconds, for relative times.
        range_query: the time range for links, such as `from=now-6h&to=now`; None for no links.
    """

    now: float
    range_query: str | None = None


@dataclass(frozen=True)
class Field:
    """The field configuration of one series or column."""

    config: Json
    context: FormatContext

    @classmethod
    def of(cls, panel: Json, name: str | None, context: FormatContext) -> "Field":
        """The panel's defaults, with the overrides for one name.

        Args:
            panel: the panel's JSON.
            name: of the series or column; None for the defaults alone.
            context: time and links.
        """
        config = dict(panel["fieldConfig"]["defaults"])
        for override in panel["fieldConfig"]["overrides"]:
            if name is not None and _matches(override["matcher"], name):
                config |= {item["id"]: item["value"] for item in override["properties"]}
        return cls(config, context)

    @property
    def hidden(self) -> bool:
        """Whether the column is hidden."""
        return bool(self.config.get("custom.hideFrom.viz"))

    def display_name(self, name: str, labels: Mapping[str, str]) -> str:
        """The name that is shown: as configured, or else the series' own."""
        configured = str(self.config.get("displayName", name))
        return _LABEL.sub(lambda match: labels.get(match[1], ""), configured)

    @property
    def unit(self) -> str:
        """Grafana's name of the unit."""
        return str(self.config.get("unit", "none"))

    @property
    def empty(self) -> str:
        """Text for a missing value."""
        return str(self.config.get("noValue", "No data"))

    @property
    def fixed_colour(self) -> str | None:
        """The fixed colour, if one is configured."""
        colour: Json = self.config.get("color", {})
        return colour_name(colour["fixedColor"]) if colour.get("mode") == "fixed" else None

    @property
    def steps(self) -> list[tuple[float, str]]:
        """The threshold steps: value and colour, ascending."""
        steps = self.config["thresholds"]["steps"]
        return [(-math.inf if step["value"] is None else step["value"], colour_name(step["color"])) for step in steps]

    def cell(self, value: float | str, labels: Mapping[str, str], *, coloured: bool = True) -> Cell:
        """Format a value.

        Args:
            value: a number, or the text of a label.
            labels: of its series.
            coloured: use the colours of thresholds, unless a value mapping has a colour.
        """
        number = None if isinstance(value, str) else value
        text = value if isinstance(value, str) else self.text(value)
        missing = number is not None and math.isnan(number)  # a share of nothing, or a quantile of no observations
        colour = self._step_colour(number) if number is not None and coloured and not missing else ""
        mapping = self._mapping(value)
        if mapping:
            text, colour = mapping.get("text", text), colour_name(mapping.get("color", colour))
        colour = "" if colour == "text" else colour
        is_number = number is not None and not mapping and self.unit != AGO
        return Cell(text, colour, self.link(labels, str(value)), None if missing else value, number=is_number)

    def column_cell(self, value: float | str, labels: Mapping[str, str]) -> Cell:
        """Format a value for a table, whose cells have colours only if configured."""
        kind: Json = self.config.get("custom.cellOptions", self.config.get("custom", {}).get("cellOptions", {}))
        coloured = kind.get("type") in COLOURED_CELLS
        cell = self.cell(value, labels, coloured=coloured)
        return cell if coloured else replace(cell, colour="")

    def text(self, value: float, *, trimmed: bool = False) -> str:
        """A number with its unit; `trimmed` for an axis."""
        return text_of(value, self.unit, self.context.now, self.config.get("decimals"), trimmed=trimmed)

    @property
    def number_format(self) -> NumberFormat:
        """The format of its numbers."""
        return NumberFormat.of(self.unit, self.config.get("decimals"))

    def link(self, labels: Mapping[str, str], value: str) -> str:
        """The link of a value; empty for none."""
        links = self.config.get("links", [])
        if not links or self.context.range_query is None:
            return ""
        url = _LABEL.sub(lambda match: quote(labels.get(match[1], ""), safe=""), links[0]["url"])
        # A part of an address is quoted. A whole one is left as it is, but may only lead to a page of ours.
        whole = _CELL.fullmatch(url)
        if whole and not labels.get(whole[1], "").startswith("/d/"):
            return ""
        url = _CELL.sub(lambda match: quote(labels.get(match[1], ""), safe=":/?=&" if whole else ""), url)
        known = {"__url_time_range": self.context.range_query, "__value": quote(value, safe=""), "datasource": ""}
        return substitute(url, known).rstrip("&")

    def _step_colour(self, value: float) -> str:
        return [colour for least, colour in self.steps if value >= least][-1]  # the first step is -infinity

    def _mapping(self, value: float | str) -> Json | None:
        key = value if isinstance(value, str) else f"{value:.15g}"
        options: list[dict[str, Any]] = [
            entry["options"] for entry in self.config["mappings"] if entry["type"] == "value"
        ]
        return next((mappings[key] for mappings in options if key in mappings), None)


def _matches(matcher: Json, name: str) -> bool:
    """Whether an override is for a name; a regular expression stands between slashes."""
    if matcher["id"] == "byRegexp":
        return re.search(matcher["options"].strip("/"), name) is not None
    return bool(matcher == {"id": "byName", "options": name})
