"""Data sources in config/grafana.yaml, as the plan of this project has them.

Grafana reads nothing from the store, GitHub or Drive itself: exporters do. So a data source sets what they read, where
config/storage.yaml of the same brain does not.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from nervesys.errors import SettingsProblem
from nervesys.settings.check import suggest
from nervesys.settings.layers import Layers
from nervesys.settings.variables import NAMES_BY_FIELD
from nervesys.settings.yaml import Document, Path, Row

GRAFANA, DATASOURCES = "grafana", "datasources"
FIELDS: dict[str, dict[str, Path]] = {
    "s3": {
        "endpoint": ("storage", "storj", "endpoint"),
        "region": ("storage", "storj", "region"),
        "bucket": ("storage", "storj", "bucket"),
    },
    "github": {"repo": ("storage", "brain", "repository")},
    "google-drive": {"folder_id": ("storage", "archive", "folder_id")},
}
"""What each key of a data source sets, by its type."""
COMMON = ("name", "type")


@dataclass(frozen=True)
class _AdaptedDocument(Document):
    """A document whose values were moved to other paths; their lines are found by the old ones."""

    moved: tuple[tuple[Path, Path], ...] = ()

    def origin(self, path: Path) -> str:
        for new, old in self.moved:
            if path[: len(new)] == new:
                return super().origin((*old, *path[len(new) :]))
        return super().origin(path)


def adapt(section: str, document: Document) -> Document:
    """A file in the form of the plan, with its values where current files have them; others as they are."""
    data = document.data
    if section != GRAFANA:
        return document
    if isinstance(inner := data.get(GRAFANA), dict):
        values = {key: value for key, value in inner.items() if key != DATASOURCES}
        rest = {key: value for key, value in data.items() if key != GRAFANA}
        moved = tuple(((key,), (GRAFANA, key)) for key in values)
        return _AdaptedDocument(document.where, {**values, **rest}, document.lines, moved)
    rest = {key: value for key, value in data.items() if key != DATASOURCES}
    return Document(document.where, rest, document.lines)


def read_datasources(document: Document | None, mistakes: list[SettingsProblem]) -> list[Row]:
    """The settings that the data sources of config/grafana.yaml stand for.

    Args:
        document: the file; None where there is none.
        mistakes: problems are appended to it.
    """
    if document is None:
        return []
    top: Path = (GRAFANA,) if isinstance(document.data.get(GRAFANA), dict) else ()
    entries = (document.data[GRAFANA] if top else document.data).get(DATASOURCES, [])
    if not isinstance(entries, list):
        mistakes.append(SettingsProblem(document.origin((*top, DATASOURCES)), DATASOURCES, "a list is expected"))
        return []
    rows: list[Row] = []
    for index, entry in enumerate(entries):
        path = (*top, DATASOURCES, str(index))
        for key, problem in _problems(entry):
            mistakes.append(SettingsProblem(document.origin((*path, key)), f"{DATASOURCES}.{index}.{key}", problem))
        rows += _rows(entry, document, path)
    return rows


def _problems(entry: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(entry, dict):
        yield "type", f"a mapping with name and type is expected; types are {', '.join(FIELDS)}"
        return
    kind = entry.get("type")
    if kind not in FIELDS:
        yield "type", f"unknown type {kind!r}; {suggest(str(kind), FIELDS)}"
        return
    known = (*COMMON, *FIELDS[kind])
    yield from ((key, f"unknown key; {suggest(str(key), known)}") for key in entry if key not in known)


def _rows(entry: Any, document: Document, path: Path) -> Iterator[Row]:
    fields = FIELDS.get(str(entry.get("type")), {}) if isinstance(entry, dict) else {}
    for key, field in fields.items():
        value = entry.get(key)
        # A variable of this very field sets it anyway, if it is set at all; else what else sets it stays.
        if value is not None and value not in [f"${{{name}}}" for name in NAMES_BY_FIELD.get(field, ())]:
            yield field, value, document.origin((*path, key))


def contradictions(rows: Iterable[Row], layers: Layers) -> Iterator[SettingsProblem]:
    """Warnings for data sources that name another place than config/storage.yaml of the same brain."""
    for path, value, origin in rows:
        place = layers.origins.get(path)
        if place is not None and place != origin and layers.value(path) != value:
            yield SettingsProblem(origin, ".".join(path), f"has no effect: {place} has another value, which wins")
