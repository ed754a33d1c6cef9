"""What is to be seen on a page, in words, numbers and names of colours; nothing of how it is laid out."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where a panel stands on the grid of 24 columns; a row of it is about 30 pixels high."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Cell:
    """A value in words.

    Attributes:
        text: as people read it.
        colour: by name; empty for the text's own.
        link: where it leads; empty for nowhere.
        sort: what it is sorted by; None for no value.
        number: it is read as a number, and stands to the right.
    """

    text: str
    colour: str = ""
    link: str = ""
    sort: float | str | None = None
    number: bool = False


@dataclass(frozen=True)
class Notice:
    """Words in place of what cannot be shown.

    Attributes:
        failed: because something is wrong, and not because there is nothing.
    """

    words: str
    failed: bool = False


@dataclass(frozen=True)
class Tile:
    """One large value; the name is empty where there is only one."""

    name: str
    value: Cell


@dataclass(frozen=True)
class Tiles:
    """Large values side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Bar:
    """One value as a part of the greatest one, from 0 to 1."""

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
        """Of each column, whether it holds numbers; a cell may have nothing to say."""
        return tuple(any(cell.number for cell in column) for column in zip(*self.rows, strict=True))


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """An entry of a legend."""

    name: str
    colour: str
    link: str = ""


@dataclass(frozen=True)
class Line:
    """One series of a graph: (Unix seconds, value) and the value in words."""

    key: Key
    points: tuple[tuple[float, float], ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Mark:
    """Something that happened, marked on every graph."""

    at: float
    title: str
    colour: str


@dataclass(frozen=True)
class Axis:
    """Values from bottom to top: each line of the grid with its text."""

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
    """Lines over time, or bars that stand on one another.

    Attributes:
        step: seconds between two points; where more lie between them, there was nothing.
        limits: (value, colour) of the thresholds.
    """

    lines: tuple[Line, ...]
    axis: Axis
    step: float
    stacked: bool
    limits: tuple[tuple[float, str], ...] = ()

    @property
    def legend(self) -> tuple[Key, ...]:
        """One entry a line that has a name."""
        return tuple(line.key for line in self.lines if line.key.name)


@dataclass(frozen=True)
class Stretch:
    """From when to when something was in a state."""

    start: float
    end: float
    text: str
    colour: str


@dataclass(frozen=True)
class Lane:
    """The states of one thing, oldest first."""

    name: str
    link: str
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True)
class Timeline:
    """Lanes, one below the other."""

    lanes: tuple[Lane, ...]

    @property
    def legend(self) -> tuple[Key, ...]:
        """Every state that occurs."""
        seen = {stretch.text: stretch.colour for lane in self.lanes for stretch in lane.stretches}
        return tuple(Key(text, colour) for text, colour in sorted(seen.items()))


Body = Notice | Tiles | Bars | Table | Text | Graph | Timeline


@dataclass(frozen=True)
class Panel:
    """A panel, or the heading of those below it, which has no body."""

    name: str
    title: str
    description: str
    place: Place
    body: Body | None

    @property
    def kind(self) -> str:
        """What it shows, in one word."""
        return type(self.body).__name__.lower() if self.body else "heading"


@dataclass(frozen=True)
class Page:
    """A dashboard, drawn.

    Attributes:
        start: of the time range, in Unix seconds.
        end: of the time range, in Unix seconds.
        marks: what happened meanwhile.
        notes: what went wrong beside the panels.
    """

    uid: str
    title: str
    description: str
    start: float
    end: float
    panels: tuple[Panel, ...]
    marks: tuple[Mark, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
