"""Tables: joins the results of their queries by labels, and selects, renames and sorts the columns."""

from collections.abc import Mapping, Sequence

from nervesys.queries.reading import Json
from reports.answers import Answer
from reports.fields import Field, Moment
from reports.model import Cell, Notice, Table

Row = dict[str, float | str]
NOTHING = Cell("")


def table(panel: Json, answers: Sequence[Answer], moment: Moment) -> Table | Notice:
    """The body of a table panel."""
    organize = next(one["options"] for one in panel["transformations"] if one["id"] == "organize")
    hidden, places = organize["excludeByName"], organize["indexByName"]
    names = [name for name in sorted(places, key=places.__getitem__) if not hidden.get(name)]
    titles = [organize["renameByName"].get(name, name) for name in names]
    rows = joined(answers)
    if not rows:
        return Notice(Field.of(panel, "", moment).empty)
    fields = [Field.of(panel, title, moment) for title in titles]
    cells = [tuple(_cell(field, name, row) for field, name in zip(fields, names, strict=True)) for row in rows]
    for order in reversed(panel["options"].get("sortBy", [])):
        _sort(cells, titles.index(order["displayName"]), falling=order["desc"])
    return Table(tuple(titles), tuple(cells))


def _cell(field: Field, name: str, row: Row) -> Cell:
    labels = {label: value for label, value in row.items() if isinstance(value, str)}
    return field.column_cell(row[name], labels) if name in row else NOTHING


def _sort(rows: list[tuple[Cell, ...]], column: int, *, falling: bool) -> None:
    """Sort by number or text; missing values come last either way."""
    there = [row for row in rows if row[column].sort is not None]
    gone = [row for row in rows if row[column].sort is None]
    numbers = all(isinstance(row[column].sort, float) for row in there)
    key = (lambda row: row[column].sort) if numbers else (lambda row: row[column].text.casefold())
    rows[:] = [*sorted(there, key=key, reverse=falling), *gone]


def joined(answers: Sequence[Answer]) -> list[Row]:
    """One row for each combination of common labels, as Grafana's `merge` transformation does."""
    frames = [
        _frame(answer, "Value" if len(answers) == 1 else f"Value #{answer.target['refId']}") for answer in answers
    ]
    filled = [frame for frame in frames if frame]
    if not filled:
        return []
    common = set.intersection(
        *({name for row in frame for name in row if isinstance(row[name], str)} for frame in filled)
    )
    rows: dict[tuple[object, ...], list[Row]] = {}
    for frame in filled:
        for new in frame:
            alike = rows.setdefault(tuple(new.get(name) for name in sorted(common)), [])
            fitting = [row for row in alike if _fits(row, new)]
            for row in fitting:
                row |= new
            if not fitting:
                alike.append(dict(new))
    return [row for alike in rows.values() for row in alike]


def _frame(answer: Answer, value: str) -> list[Row]:
    return [{**series.labels, value: series.points[-1][1]} for series in answer.series]


def _fits(row: Mapping[str, object], new: Mapping[str, object]) -> bool:
    # Not by a default of `get`: NaN differs from itself, and a row with it would never be joined.
    return all(name not in row or row[name] == value for name, value in new.items())
