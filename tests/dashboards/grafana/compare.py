"""Compares what Grafana's libraries show of a page with what ours shows, and names what explains a difference."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dashboards.grafana_json import Json
from reports.units import MISSING

ADDRESS_PARTS = ("timezone", "time", "time.window", "var-datasource")
"""Parts of links that Grafana adds: our page has one time zone, that of its reader, and one data source."""


@dataclass(frozen=True)
class Difference:
    """Something that is shown otherwise.

    Attributes:
        where: page, time range, panel and place in it.
        theirs: what Grafana shows.
        ours: what our page shows.
    """

    where: str
    theirs: object
    ours: object

    def __str__(self) -> str:
        return f"{self.where}: {self.theirs!r} | {self.ours!r}"


EXPLAINED: Mapping[str, str] = {
    r"text: '(a few seconds|an?|\d+) .*(ago)?' \| '(just now|in .*|.* ago)'$": (
        "Relative times: Grafana rounds them (a minute ago), our page counts whole units (1 minute ago)."
    ),
    r"colour: '#[0-9A-F]+' \| 'series-\d+'$": (
        "Colours of a palette: both are derived from the name, ours legible in a light and in a dark theme."
    ),
    r"empty column: None \| '.*'$": (
        f"A column without any value: Prometheus returns no such label, so Grafana has no column; ours shows {MISSING}."
    ),
}
"""Differences that are meant: a pattern of their text, and the reason."""


def unexplained(differences: Sequence[Difference]) -> list[str]:
    """The differences that no row of the table explains."""
    return [str(each) for each in differences if not any(re.search(pattern, str(each)) for pattern in EXPLAINED)]


def compare(where: str, theirs: Json, ours: Json, colours: Mapping[str, str]) -> Iterator[Difference]:
    """All differences of one panel.

    Args:
        where: page, time range and title of the panel.
        theirs: what `main.js` returned.
        ours: the same of our page.
        colours: Grafana's shades of the names of colours.
    """
    if "columns" in theirs and "columns" in ours:
        yield from _tables(where, theirs, ours, colours)
    elif theirs.keys() != ours.keys():
        yield Difference(where, theirs, ours)
    else:
        for name in ours:
            yield from _parts(where, theirs[name], ours[name], colours)


def _tables(where: str, theirs: Json, ours: Json, colours: Mapping[str, str]) -> Iterator[Difference]:
    kept = []
    for at, column in enumerate(ours["columns"]):
        if column in theirs["columns"] or any(row[at]["text"] != MISSING for row in ours["rows"]):
            kept.append(at)
        else:
            yield Difference(f"{where} / empty column", None, column)
    columns = [ours["columns"][at] for at in kept]
    if columns != theirs["columns"]:
        yield Difference(f"{where} / columns", theirs["columns"], columns)
        return
    rows = [{column: row[at] for column, at in zip(columns, kept, strict=True)} for row in ours["rows"]]
    yield from _parts(where, [dict(zip(columns, row, strict=True)) for row in theirs["rows"]], rows, colours)


def _parts(where: str, theirs: Any, ours: Any, colours: Mapping[str, str]) -> Iterator[Difference]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in ours:
            yield from _values(f"{where} / {name}", name, theirs.get(name), ours[name], colours)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for at, (their_part, our_part) in enumerate(zip(theirs, ours, strict=True)):
            yield from _parts(f"{where} / {at}", their_part, our_part, colours)
    elif theirs != ours:
        yield Difference(where, theirs, ours)


def _values(where: str, name: str, theirs: Any, ours: Any, colours: Mapping[str, str]) -> Iterator[Difference]:
    if isinstance(ours, dict | list):
        yield from _parts(where, theirs, ours, colours)
    elif name == "colour" and theirs:
        if theirs.lower() != colours.get(ours or "text", "").lower():
            yield Difference(where, theirs, ours)
    elif name == "link":
        if _address(theirs) != _address(ours):
            yield Difference(where, theirs, ours)
    elif theirs != ours:
        yield Difference(where, theirs, ours)


def _address(link: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Path and parameters of a link, without what Grafana adds."""
    parts = urlsplit(link)
    return parts.path, frozenset(each for each in parse_qsl(parts.query) if each[0] not in ADDRESS_PARTS)
