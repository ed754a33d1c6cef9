"""Tables: joins the results of their queries by labels, and selects, renames and sorts the columns."""

from collections.abc import Mapping, Sequence

from nervesys.queries.dashboard_queries import Json
from reports.fields import Field, FormatContext
from reports.model import Cell, Notice, Table
from reports.run_queries import QueryResult
from reports.units import AGO

Row = dict[str, float | str]
VALUE = "Value"
"""Grafana's name of the field with a query's values; with the letter of the query if there are several."""


def table(panel: Json, answers: Sequence[QueryResult], context: FormatContext) -> Table | Notice:
    """The body of a table panel."""
    organize = next(item["options"] for item in panel["transformations"] if item["id"] == "organize")
    places, shown = organize["indexByName"], organize["renameByName"]
    fields = {name: Field.of(panel, shown[name], context) for name in sorted(places, key=places.__getitem__)}
    fields = {name: field for name, field in fields.items() if not field.hidden}
    titles = [shown[name] for name in fields]
    rows = merge_rows(answers)
    if not rows:
        return Notice(Field.of(panel, None, context).empty)
    cells = [tuple(_cell(field, name, row, _texts(row, shown)) for name, field in fields.items()) for row in rows]
    for order in reversed(panel["options"].get("sortBy", [])):
        _sort(cells, titles.index(order["displayName"]), falling=order["desc"])
    return Table(tuple(titles), tuple(cells))


def _texts(row: Row, shown: Mapping[str, str]) -> dict[str, str]:
    """The texts of a row, by label and by title of the column: links may name either."""
    labels = {label: value for label, value in row.items() if isinstance(value, str)}
    return labels | {shown[label]: value for label, value in labels.items() if label in shown}


def _cell(field: Field, name: str, row: Row, texts: Mapping[str, str]) -> Cell:
    if name in row:
        return field.column_cell(row[name], texts)
    return Cell(field.empty, number=name.startswith(VALUE) and field.unit != AGO)


def _sort(rows: list[tuple[Cell, ...]], column: int, *, falling: bool) -> None:
    """Sort by number or text; missing values come last either way."""
    known = [row for row in rows if row[column].sort is not None]
    missing = [row for row in rows if row[column].sort is None]
    numbers = all(isinstance(row[column].sort, float) for row in known)
    key = (lambda row: row[column].sort) if numbers else (lambda row: row[column].text.casefold())
    rows[:] = [*sorted(known, key=key, reverse=falling), *missing]


def merge_rows(answers: Sequence[QueryResult]) -> list[Row]:
    """One row for each combination of common labels, as Grafana's `merge` transformation does."""
    frames = [
        _frame(answer, VALUE if len(answers) == 1 else f"{VALUE} #{answer.target['refId']}") for answer in answers
    ]
    with_rows = [frame for frame in frames if frame]
    if not with_rows:
        return []
    common = set.intersection(
        *({name for row in frame for name in row if isinstance(row[name], str)} for frame in with_rows)
    )
    rows: dict[tuple[object, ...], list[Row]] = {}
    for frame in with_rows:
        for new in frame:
            same_labels = rows.setdefault(tuple(new.get(name) for name in sorted(common)), [])
            matching = [row for row in same_labels if _matches(row, new)]
            for row in matching:
                row |= new
            if not matching:
                same_labels.append(dict(new))
    return [row for same_labels in rows.values() for row in same_labels]


def _frame(answer: QueryResult, value: str) -> list[Row]:
    return [{**series.labels, value: series.points[-1][1]} for series in answer.series]


def _matches(row: Mapping[str, object], new: Mapping[str, object]) -> bool:
    # Not by a default of `get`: NaN differs from itself, and a row with it would never be joined.
    return all(name not in row or row[name] == value for name, value in new.items())
