"""Lays the alerts.yaml of a brain over the shipped one. Pure.

Channels and intervals are merged by key, alerts by name: an own file says only what differs. `disable` removes shipped
alerts by name, `shipped: false` all of them but the Watchdog, without which an outage of the monitoring would go
unnoticed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nervesys.errors import SettingsProblem
from nervesys.settings.check import suggest
from nervesys.settings.yaml import Document, Path

WATCHDOG = "Watchdog"
"""The alert that fires while all is well."""
SOURCES = frozenset({"condition", "expr", "posted", "by"})
"""Keys that say when an alert fires: an own condition replaces a shipped expression with its labels."""


@dataclass
class MergedAlerts:
    """The merged content, and where each part came from.

    Attributes:
        data: as one file would have it.
        origins: file and line by path; a list item has its index as key.
        problems: names in `disable` that no shipped alert has.
    """

    data: dict[str, Any]
    origins: dict[Path, str] = field(default_factory=dict)
    problems: list[SettingsProblem] = field(default_factory=list)

    def origin(self, path: Path) -> str:
        """File and line of a value, or of the nearest enclosing key; of a part of the file without a key, its name."""
        while path and path not in self.origins:
            path = path[:-1]
        return self.origins.get(path, "config/alerts.yaml")


@dataclass(frozen=True)
class _Entry:
    """One alert, as the keys of a mapping, each with its origin."""

    values: dict[str, Any]
    origins: dict[Path, str]

    @property
    def name(self) -> str:
        """As a label, so that `Agent Down` and `AgentDown` are one alert."""
        return str(self.values.get("name")).replace(" ", "")

    def over(self, shipped: "_Entry") -> "_Entry":
        """This entry laid over the shipped one of the same name."""
        replaced = set(self.values) | (SOURCES if SOURCES & set(self.values) else set())
        kept = {key: value for key, value in shipped.values.items() if key not in replaced}
        places = {path: place for path, place in shipped.origins.items() if path and path[0] in kept}
        return _Entry(kept | self.values, places | self.origins)

    def without(self, disabled: set[str]) -> "_Entry":
        """This entry without disabled alerts among those that it inhibits."""
        hidden = self.values.get("inhibits")
        if not isinstance(hidden, list) or disabled.isdisjoint(_labels(hidden)):
            return self
        left = [name for name in hidden if str(name).replace(" ", "") not in disabled]
        return _Entry(self.values | {"inhibits": left}, self.origins)


def merge_alerts(shipped: Document, own: Document | None) -> MergedAlerts:
    """Merge both files; without an own one, or where its form is wrong, what is there is returned for validation.

    Args:
        shipped: the shipped alerts.yaml.
        own: that of the brain.
    """
    if own is None:
        return MergedAlerts(shipped.data, _places(shipped, ()))
    if not _is_well_formed(own.data):
        return MergedAlerts(shipped.data | own.data, {(): own.where, **_places(own, ())})
    top = {key: value for key, value in own.data.items() if key not in {"channels", "alerts", "intervals"}}
    merged = MergedAlerts({"engine": shipped.data["engine"], **top}, {(): own.where, **_places(own, ())})
    merged.data["channels"] = _merge_channels(merged, shipped, own)
    merged.data["intervals"] = shipped.data.get("intervals", {}) | own.data.get("intervals", {})
    places = _places(shipped, ("intervals",))
    merged.origins = {("intervals", *path): place for path, place in places.items()} | merged.origins
    for index, alert in enumerate(_merge_entries(merged, shipped, own)):
        merged.data.setdefault("alerts", []).append(alert.values)
        merged.origins |= {("alerts", str(index), *path): place for path, place in alert.origins.items()}
    return merged


def _is_well_formed(data: dict[str, Any]) -> bool:
    alerts, channels, disable = data.get("alerts", []), data.get("channels", {}), data.get("disable", [])
    return (
        isinstance(data.get("intervals", {}), dict)
        and isinstance(alerts, list)
        and all(isinstance(alert, dict) for alert in alerts)
        and isinstance(channels, dict)
        and isinstance(disable, list)
        and isinstance(data.get("shipped", True), bool)
    )


def _merge_channels(merged: MergedAlerts, shipped: Document, own: Document) -> dict[str, Any]:
    """Channels by key. One that the own file describes is enabled, unless that file disables it."""
    channels = dict(shipped.data["channels"])
    for name, channel in own.data.get("channels", {}).items():
        before = channels.get(name, {})
        if not isinstance(channel, dict) or channel.get("type", before.get("type")) != before.get("type"):
            channels[name] = channel
        else:
            channels[name] = before | {"enabled": True} | channel
            places = _places(shipped, ("channels", name))
            merged.origins = {("channels", name, *path): place for path, place in places.items()} | merged.origins
    return channels


def _merge_entries(merged: MergedAlerts, shipped: Document, own: Document) -> Iterator[_Entry]:
    """The alerts that are left: shipped ones with what the own file changes, then those that only it has."""
    merged.origins = {
        path: place for path, place in merged.origins.items() if len(path) == 1 or path[:1] != ("alerts",)
    }
    ours, theirs = list(_entries(shipped)), list(_entries(own))
    disabled = _labels(own.data.get("disable", []))
    names = [entry.values["name"] for entry in ours]
    for index, name in enumerate(own.data.get("disable", [])):
        if str(name).replace(" ", "") not in _labels(names):
            where = own.origin(("disable", str(index)))
            merged.problems.append(SettingsProblem(where, "disable", f"unknown alert {name!r}; {suggest(name, names)}"))
    changes = {entry.name: entry for entry in theirs}
    if own.data.get("shipped", True) is False:
        ours = [entry for entry in ours if entry.name == WATCHDOG]
    for entry in ours:
        if entry.name not in disabled:
            change = changes.get(entry.name)
            yield (change.over(entry) if change else entry).without(disabled)
    known = {entry.name: entry for entry in ours if entry.name not in disabled}
    changed: set[str] = set()
    for entry in theirs:
        before = known.get(entry.name)
        if before is None:
            yield entry
        elif entry.name in changed:  # a second entry of this name, which validation refuses
            yield entry.over(before)
        changed.add(entry.name)


def _entries(document: Document) -> Iterator[_Entry]:
    for index, values in enumerate(document.data.get("alerts", [])):
        yield _Entry(values, _places(document, ("alerts", str(index))))


def _places(document: Document, top: Path) -> dict[Path, str]:
    """The origins of everything below a path, by the path from there on."""
    size = len(top)
    return {path[size:]: document.origin(path) for path in document.lines if path[:size] == top}


def _labels(names: list[Any]) -> set[str]:
    return {str(name).replace(" ", "") for name in names}
