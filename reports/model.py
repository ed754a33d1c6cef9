"""The model of a page: texts, numbers and colour names, independent of the output format."""

from dataclasses import dataclass, field

from reports.units import NumberFormat

HEIGHTS = {"red": 1.0, "orange": 0.8, "yellow": 0.8, "purple": 0.8, "blue": 0.45, "grey": 0.3}
CALM_HEIGHT = 0.6
"""Heights of the blocks of a state timeline by colour: states differ in more than their colour."""


@dataclass(frozen=True)
class GridPosition:
    """Position and size of a panel on the grid of 24 columns; a grid row is about 30 pixels high."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Cell:
    """A formatted value.

    Attributes:
        text: the text.
        colour: name of its colour; empty for the default.
        link: URL; empty for none.
        sort: sort key; None for a missing value.
        number: whether it is a number, and right-aligned.
    """

    text: str
    colour: str = ""
    link: str = ""
    sort: float | str | None = None
    number: bool = False


@dataclass(frozen=True)
class Notice:
    """A message in place of a panel's body.

    Attributes:
        failed: True for an error, False for missing data.
    """

    text: str
    failed: bool = False


@dataclass(frozen=True)
class Tile:
    """One large value; the name is empty if there is only one."""

    name: str
    value: Cell


@dataclass(frozen=True)
class Tiles:
    """Large values side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Bar:
    """One value, with its share of the largest one, from 0 to 1."""

    name: str
    value: Cell
    share: float


@dataclass(frozen=True)
class Bars:
    """Values to compare."""

    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Table:
    """Rows of cells, sorted."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def numbers(self) -> tuple[bool, ...]:
        """Whether each column has numbers."""
        return tuple(any(cell.number for cell in column) for column in zip(*self.rows, strict=True))


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """An entry of a legend.

    Attributes:
        name: of a series or a state.
        colour: name of its colour.
        link: URL; empty for none.
        height: share of the full height of its swatch.
    """

    name: str
    colour: str
    link: str = ""
    height: float = 0.4


@dataclass(frozen=True)
class GraphLine:
    """One series of a graph.

    Attributes:
        key: its entry in the legend.
        points: (Unix seconds, value), oldest first.
        step: seconds between two points; a larger distance is a gap.
        number_format: of its values.
    """

    key: Key
    points: tuple[tuple[float, float], ...]
    step: float
    number_format: NumberFormat


@dataclass(frozen=True)
class Annotation:
    """An annotation, shown on every graph."""

    at: float
    title: str
    colour: str


@dataclass(frozen=True)
class Axis:
    """The value axis: its grid lines with their labels, ascending."""

    ticks: tuple[tuple[float, str], ...]

    @property
    def low(self) -> float:
        """Value at the bottom."""
        return self.ticks[0][0]

    @property
    def high(self) -> float:
        """Value at the top."""
        return self.ticks[-1][0]


@dataclass(frozen=True)
class Graph:
    """A graph: lines, or stacked bars.

    Attributes:
        limits: (value, colour) of the thresholds.
        many: whether its legend may have many names, which then stand at the right.
        unknown: (start, end) of spans without data, shown in grey, in Unix seconds.
    """

    lines: tuple[GraphLine, ...]
    axis: Axis
    stacked: bool
    limits: tuple[tuple[float, str], ...] = ()
    unknown: tuple[tuple[float, float], ...] = ()
    many: bool = False

    @property
    def step(self) -> float:
        """The largest step of its lines, in seconds."""
        return max(line.step for line in self.lines)

    @property
    def legend(self) -> tuple[Key, ...]:
        """One entry for each line with a name."""
        return tuple(line.key for line in self.lines if line.key.name)


@dataclass(frozen=True)
class StateSpan:
    """A time span in one state."""

    start: float
    end: float
    text: str
    colour: str


def block_height(colour: str) -> float:
    """Share of its lane that the block of a state fills: the worse the state, the higher its block."""
    return HEIGHTS.get(colour, CALM_HEIGHT)


@dataclass(frozen=True)
class Lane:
    """One row of a state timeline: its states, oldest first."""

    name: str
    link: str
    spans: tuple[StateSpan, ...]


@dataclass(frozen=True)
class Timeline:
    """A state timeline."""

    lanes: tuple[Lane, ...]

    @property
    def legend(self) -> tuple[Key, ...]:
        """All states that occur."""
        seen = {span.text: span.colour for lane in self.lanes for span in lane.spans}
        return tuple(Key(text, colour, height=block_height(colour)) for text, colour in sorted(seen.items()))


@dataclass(frozen=True)
class Edge:
    """A connection from one node to another.

    Attributes:
        source: name of the node that it starts from.
        target: name of the node that it leads to.
        text: its amount, formatted.
        share: of the largest amount, 0 to 1.
    """

    source: str
    target: str
    text: str
    share: float


@dataclass(frozen=True)
class NodeGraph:
    """Nodes and what connects them; the edge with the largest amount first."""

    edges: tuple[Edge, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of all nodes, sorted."""
        return tuple(sorted({name for edge in self.edges for name in (edge.source, edge.target)}))

    @property
    def legend(self) -> tuple[Key, ...]:
        """It needs none: names stand beside the nodes."""
        return ()


Body = Notice | Tiles | Bars | Table | Text | Graph | Timeline | NodeGraph


@dataclass(frozen=True)
class Panel:
    """A panel, or a row heading, which has no body."""

    name: str
    title: str
    description: str
    place: GridPosition
    body: Body | None

    @property
    def kind(self) -> str:
        """The type of its body, in lower case."""
        return type(self.body).__name__.lower() if self.body else "heading"


@dataclass(frozen=True)
class PageModel:
    """A dashboard, drawn.

    Attributes:
        start: of the time range, in Unix seconds.
        end: of the time range, in Unix seconds.
        marks: annotations.
        notes: error messages that belong to no panel.
    """

    uid: str
    title: str
    description: str
    start: float
    end: float
    panels: tuple[Panel, ...]
    marks: tuple[Annotation, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
