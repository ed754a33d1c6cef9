import json
import xml.etree.ElementTree as ET
from datetime import UTC
from typing import cast

from reports.model import Axis, Graph, Key, Lane, Line, Mark, Stretch, Timeline
from reports.plot import Frame, graph, timeline

MARK = Mark(50, "grok <changed>", "purple")
FRAME = Frame(400, 200, 0, 100, UTC, (MARK,))
AXIS = Axis(((0, "0"), (10, "10")))
HEBREW = "סוכן"


def of_values(*values: float, name: str = "gimai") -> Line:
    """A point each ten seconds; a negative value is a gap."""
    points = tuple((10.0 * place, value) for place, value in enumerate(values) if value >= 0)
    return Line(Key(name, "series-1"), points, tuple(f"{value:g}" for _, value in points))


def drawn(svg: str, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


def lines(svg: str) -> list[ET.Element]:
    return [path for path in drawn(svg, "path") if path.get("fill") == "none"]


def test_a_gap_breaks_the_line_and_a_lonely_point_is_a_dot() -> None:
    svg = graph(Graph((of_values(1, 2, -1, 4, -1, 6, 7),), AXIS, 10, stacked=False), FRAME)
    assert (len(lines(svg)), len(drawn(svg, "circle"))) == (2, 1)


def test_everything_stays_within_the_drawing() -> None:
    svg = graph(Graph((of_values(0, 5, 99),), AXIS, 10, stacked=False), FRAME)
    for text in drawn(svg, "text"):
        width = 6.4 * len(text.text or "") * {"start": 0, "middle": 0.5, "end": 1}[text.attrib["text-anchor"]]
        assert float(text.attrib["x"]) - width >= -1
        assert 0 < float(text.attrib["y"]) < 200


def test_stacked_bars_stand_on_one_another() -> None:
    svg = graph(Graph((of_values(0, 4), of_values(0, 6, name="grok")), AXIS, 10, stacked=True), FRAME)
    lower, upper = (path.attrib["d"] for path in drawn(svg, "path")[:2])
    assert lower.partition(" ")[2].partition("h")[0] == upper.partition("V")[2].partition("H")[0]


def test_the_pointer_is_told_the_texts_and_marks_say_what_happened() -> None:
    svg = graph(Graph((of_values(1, -1, 3, name=HEBREW),), AXIS, 10, stacked=False), FRAME)
    said = json.loads(ET.fromstring(svg).attrib["data-hover"])
    assert (said["lines"], said["more"]) == ([[HEBREW, "series-1", ["1", "3"]]], 0)
    assert [title.text for title in drawn(svg, "title")] == ["grok <changed>, Jan 01, 00:00:50"]


def test_of_many_lines_the_highest_are_told() -> None:
    many = tuple(of_values(number, name=str(number)) for number in range(50))
    said = json.loads(ET.fromstring(graph(Graph(many, AXIS, 10, stacked=False), FRAME)).attrib["data-hover"])
    assert ([name for name, _, _ in said["lines"]], said["more"]) == ([str(number) for number in range(49, 29, -1)], 30)


def test_a_timeline_grows_until_its_lanes_can_be_read() -> None:
    lane = Lane("a", "", (Stretch(0, 60, "running", "green"),))
    few, many = (ET.fromstring(timeline(Timeline((lane,) * count), FRAME)) for count in (2, 100))
    assert float(few.attrib["height"]) == 200
    assert float(many.attrib["height"]) >= 100 * 20
    said = cast("str", next(few.iter("{http://www.w3.org/2000/svg}rect"))[0].text)
    assert said == "a: running, Jan 01, 00:00:00 to Jan 01, 00:01:00 (1 min)"
