import pytest
from grafanalib.core import Stat

from dashboards.layout import COLUMNS, PageSection, PanelRow, panel_id, place_panels


def row(count: int, shares: tuple[int, ...] = (), height: int = 4) -> PanelRow:
    return PanelRow(height, [Stat(title=f"{height}-{index}") for index in range(count)], shares)


@pytest.mark.parametrize(
    ("panels", "shares", "widths"),
    [
        pytest.param(1, (), [24], id="one takes it all"),
        pytest.param(8, (), [3] * 8, id="equal shares"),
        pytest.param(5, (), [5, 5, 5, 4, 5], id="what does not divide is spread"),
        pytest.param(2, (2, 1), [16, 8], id="shares of a width"),
    ],
)
def test_a_line_is_filled(panels: int, shares: tuple[int, ...], widths: list[int]) -> None:
    assert list(row(panels, shares).widths()) == widths
    assert sum(widths) == COLUMNS


def test_lines_stand_below_one_another_and_headings_take_one_unit() -> None:
    placed = place_panels([PageSection("", [row(2)]), PageSection("Below", [row(1, height=8)])])
    at = [(panel.title, panel.gridPos.x, panel.gridPos.y, panel.gridPos.w, panel.gridPos.h) for panel in placed]
    assert at == [("4-0", 0, 0, 12, 4), ("4-1", 12, 0, 12, 4), ("Below", 0, 4, 24, 1), ("8-0", 0, 5, 24, 8)]


def test_a_panel_keeps_its_id_when_others_come_before_it() -> None:
    assert (
        place_panels([PageSection("", [row(3)])])[2].id
        == place_panels([PageSection("New", [row(1, height=6), row(3)])])[-1].id
    )
    assert panel_id("Running") > 0
