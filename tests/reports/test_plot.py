import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC
from typing import cast

import pytest

from reports.model import Annotation, Axis, Graph, GraphLine, Key, Lane, StateSpan, Timeline
from reports.plot import Frame, graph, timeline
from reports.units import NumberFormat

MARK = Annotation(50, "grok <changed>", "purple")
FRAME = Frame(400, 200, 0, 100, UTC, (MARK,))
AXIS = Axis(((0, "0"), (10, "10")))
HEBREW = "סוכן"


def of_values(*values: float, name: str = "gimai") -> GraphLine:
    """A point each ten seconds; a negative value is a gap."""
    points = tuple((10.0 * place, value) for place, value in enumerate(values) if value >= 0)
    return GraphLine(Key(name, "series-1"), points, 10, NumberFormat())


def drawn(svg: str, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


def lines(svg: str) -> list[ET.Element]:
    return [path for path in drawn(svg, "path") if path.get("fill") == "none"]


def test_a_later_point_lies_further_right_and_a_greater_one_higher() -> None:
    svg = graph(Graph((of_values(0, 5, 10),), AXIS, stacked=False), FRAME)
    levels = {text.text: float(text.attrib["y"]) - 4 for text in drawn(svg, "text")}
    level = next(line for line in drawn(svg, "line") if line.attrib["y1"] == line.attrib["y2"])
    left, right = (float(level.attrib[end]) for end in ("x1", "x2"))
    path = lines(svg)[0].attrib["d"].removeprefix("M").split("L")
    assert [tuple(map(float, point.split())) for point in path] == [
        pytest.approx((left + (right - left) * share, height), abs=0.1)
        for share, height in ((0, levels["0"]), (0.1, (levels["0"] + levels["10"]) / 2), (0.2, levels["10"]))
    ]
    assert levels["10"] < levels["0"], "SVG counts from the top"
    times = {text.text: float(text.attrib["x"]) for text in drawn(svg, "text")}
    assert times["00:01:00"] == pytest.approx(left + (right - left) * 0.6, abs=0.1)


def test_limits_lie_at_their_value() -> None:
    svg = graph(Graph((of_values(1, 2),), AXIS, stacked=False, limits=((5, "red"),)), FRAME)
    levels = {text.text: float(text.attrib["y"]) - 4 for text in drawn(svg, "text")}
    [limit] = [line for line in drawn(svg, "line") if line.attrib["stroke"] == "var(--red)"]
    assert float(limit.attrib["y1"]) == pytest.approx((levels["0"] + levels["10"]) / 2, abs=0.1)


def test_every_line_is_drawn_in_its_colour_and_only_a_few_are_shaded() -> None:
    def of(count: int) -> tuple[list[str], int]:
        line = of_values(1, 2)
        several = tuple(replace(line, key=Key("", f"series-{number}")) for number in range(count))
        svg = graph(Graph(several, AXIS, stacked=False), FRAME)
        shades = [path for path in drawn(svg, "path") if path.get("fill-opacity")]
        return sorted(str(path.get("stroke")) for path in lines(svg)), len(shades)

    assert of(4) == ([f"var(--series-{number})" for number in range(4)], 4)
    assert of(5) == ([f"var(--series-{number})" for number in range(5)], 0), "shades would hide one another"


def test_a_gap_breaks_the_line_and_a_lonely_point_is_a_dot() -> None:
    svg = graph(Graph((of_values(1, 2, -1, 4, -1, 6, 7),), AXIS, stacked=False), FRAME)
    assert (len(lines(svg)), len(drawn(svg, "circle"))) == (2, 1)


def test_everything_stays_within_the_drawing() -> None:
    svg = graph(Graph((of_values(0, 5, 99),), AXIS, stacked=False), FRAME)
    for text in drawn(svg, "text"):
        width = 6.4 * len(text.text or "") * {"start": 0, "middle": 0.5, "end": 1}[text.attrib["text-anchor"]]
        assert float(text.attrib["x"]) - width >= -1
        assert 0 < float(text.attrib["y"]) < 200


def test_stacked_bars_stand_on_one_another() -> None:
    svg = graph(Graph((of_values(0, 4), of_values(0, 6, name="grok")), AXIS, stacked=True), FRAME)
    lower, upper = (path.attrib["d"] for path in drawn(svg, "path")[:2])
    assert lower.partition(" ")[2].partition("h")[0] == upper.partition("V")[2].partition("H")[0]


def test_annotations_have_their_titles() -> None:
    svg = graph(Graph((of_values(1, -1, 3, name=HEBREW),), AXIS, stacked=False), FRAME)
    assert [title.text for title in drawn(svg, "title")] == ["grok <changed>, Jan 01, 00:00:50"]


def test_lines_of_annotations_do_not_hide_a_graph() -> None:
    def dashed(count: int) -> int:
        marks = tuple(Annotation(number, "changed", "purple") for number in range(count))
        svg = graph(Graph((of_values(1, 2),), AXIS, stacked=False), replace(FRAME, marks=marks))
        assert len(drawn(svg, "title")) == count
        return len([line for line in drawn(svg, "line") if line.attrib["stroke"] == "var(--purple)"])

    assert (dashed(10), dashed(100)) == (10, 0)


def test_a_timeline_grows_until_its_lanes_can_be_read() -> None:
    lane = Lane("a", "", (StateSpan(0, 60, "running", "green"),))
    few, many = (ET.fromstring(timeline(Timeline((lane,) * count), FRAME)) for count in (2, 100))
    assert float(few.attrib["height"]) == 200
    assert float(many.attrib["height"]) >= 100 * 20
    title = cast("str", next(few.iter("{http://www.w3.org/2000/svg}rect"))[0].text)
    assert title == "a: running, Jan 01, 00:00:00 to Jan 01, 00:01:00 (1 min)"


def test_a_state_is_as_long_as_it_lasted_in_the_lane_of_its_agent() -> None:
    states = (StateSpan(0, 25, "running", "green"), StateSpan(25, 100, "silent", "red"))
    svg = timeline(Timeline((Lane("grok", "", states), Lane("gimai", "", states[:1]))), FRAME)
    boxes = [[float(box.attrib[side]) for side in ("x", "y", "width", "height")] for box in drawn(svg, "rect")]
    (x, top, width, height), (after, higher, longer, _), (_, below, _, _) = boxes
    assert (after, longer) == pytest.approx((x + width, 3 * width), abs=0.2)
    assert higher < top, "a worse state has a higher block"
    assert below > top + height
    names = {text.text: float(text.attrib["y"]) for text in drawn(svg, "text")}
    assert top < names["grok"] < top + height < below < names["gimai"]
    assert [title.text for title in drawn(svg, "title")][-1] == "grok <changed>, Jan 01, 00:00:50"
