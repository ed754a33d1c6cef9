"""Computes the positions of panels on Grafana's grid of 24 columns."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import attr
from grafanalib.core import GridPos, RowPanel

COLUMNS = 24


@dataclass(frozen=True)
class PanelRow:
    """Panels side by side, all of one height.

    Attributes:
        height: in grid units of about 30 pixels.
        panels: from left to right.
        shares: of the width, one for each panel; equal by default.
    """

    height: int
    panels: Sequence[Any]
    shares: Sequence[int] = ()

    def widths(self) -> Iterator[int]:
        """Columns of each panel; together they fill the row."""
        shares = self.shares or [1] * len(self.panels)
        left, total = COLUMNS, sum(shares)
        for share in shares:
            width = round(left * share / total)
            left, total = left - width, total - share
            yield width


@dataclass(frozen=True)
class PageSection:
    """Rows under one heading.

    Attributes:
        title: of the heading; empty for the top of a page, which needs none.
    """

    title: str
    rows: Sequence[PanelRow]


def place_panels(sections: Sequence[PageSection]) -> list[Any]:
    """All panels of a page with their positions and ids, in reading order."""
    placed: list[Any] = []
    y = 0
    for section in sections:
        if section.title:
            placed.append(_at(RowPanel(title=section.title), 0, y, COLUMNS, 1))
            y += 1
        for row in section.rows:
            x = 0
            for panel, width in zip(row.panels, row.widths(), strict=True):
                placed.append(_at(panel, x, y, width, row.height))
                x += width
            y += row.height
    return placed


def _at(panel: Any, x: int, y: int, width: int, height: int) -> Any:
    return attr.evolve(panel, gridPos=GridPos(h=height, w=width, x=x, y=y), id=panel_id(panel.title))


def panel_id(title: str) -> int:
    """Id from the title, so that links to a panel stay valid when others are inserted before it."""
    return zlib.crc32(title.encode()) % 1_000_000 + 1
