"""Older configuration files: the same settings under other keys, translated to the current ones.

Each table maps an old path to the current one. A key of an older file that is in no table is a warning and not a
mistake, because other programs may read that file too.
"""

from collections.abc import Callable
from typing import Any

from nervesys.settings.yaml import Document, Path, Row

Translation = tuple[str, str, Callable[[Any], Any]]
"""Old path, current path, and the conversion of the value."""


def _same(value: Any) -> Any:
    return value


def _folder(*segments: str) -> Callable[[Any], str]:
    """Old paths name a folder, current ones a whole key: append the segments that are missing.

    Args:
        segments: of a whole key; the last one is the file name.
    """

    def completed(value: Any) -> str:
        text = str(value)
        if "." in text.rpartition("/")[2]:
            return text
        missing = [segment for segment in segments if segment not in text]
        return "/".join([text.rstrip("/"), *missing])

    return completed


def _enabled(value: Any) -> Any:
    """Old: each use case has a switch; current: a list of the enabled ones."""
    if not isinstance(value, dict):
        return value
    return [name for name, case in value.items() if isinstance(case, dict) and case.get("enabled")]


def _packer(value: Any) -> Any:
    """Old: whether to compress, or by which method; now logs are always compressed."""
    return "gzip" if isinstance(value, bool) else value


STORAGE: tuple[Translation, ...] = (
    ("storj.paths.state", "storage.storj.paths.agents", _folder("{agent}_state.json")),
    (
        "storj.paths.metrics",
        "storage.storj.paths.metrics",
        _folder("{server}", "{date}", "{hour}{minute}{second}_{agent}.json"),
    ),
    (
        "storj.paths.logs",
        "storage.storj.paths.active_logs",
        _folder("{server}", "{date}", "{time}_{agent}_{seq}.jsonl.gz"),
    ),
    ("storj.paths.backups", "storage.storj.paths.config_backups", _folder("{date}.tar.gz")),
    ("storj.retention.logs_days", "storage.retention.active_logs", _same),
    ("storj.retention.metrics_days", "storage.retention.metrics", _same),
    ("storj.retention.backups_days", "storage.retention.config_backups", _same),
    ("storj.upload.interval_minutes", "agent.buffer.flush_interval_minutes", _same),
    ("storj.upload.max_buffer_mb", "agent.buffer.max_size_mb", _same),
    ("storj.upload.compress", "agent.buffer.compression", _packer),
    ("storj.upload.compress_level", "agent.buffer.compression_level", _same),
    ("google_drive.folder_id", "storage.archive.folder_id", _same),
    (
        "google_drive.folders.logs",
        "storage.archive.paths.logs",
        _folder("{year}", "{month}", "{server}_{date}.json.gz"),
    ),
    ("google_drive.folders.reports", "storage.archive.paths.reports_daily", _folder("{date}_summary.pdf")),
    (
        "google_drive.folders.weekly_reports",
        "storage.archive.paths.reports_weekly",
        _folder("{iso_year}", "week_{week}.pdf"),
    ),
    ("google_drive.folders.backups", "storage.archive.paths.backups", _folder("full_backup_{date}.tar.gz")),
    ("google_drive.sync.archive_after_days", "storage.retention.active_logs", _same),
)
MONITORING: tuple[Translation, ...] = (
    *(
        (f"grafana.alerts.{what}.{level}", f"thresholds.{what}.{level}", _same)
        for what in ("cpu", "memory", "disk")
        for level in ("warning", "critical")
    ),
    ("grafana.alerts.heartbeat_timeout_seconds", "thresholds.heartbeat.down_after_seconds", _same),
    ("heartbeat.interval_seconds", "thresholds.heartbeat.interval_seconds", _same),
)
ALIBABA: tuple[Translation, ...] = (
    ("alibaba.enabled", "alibaba.alibaba_cloud.enabled", _same),
    ("alibaba.model.name", "alibaba.alibaba_cloud.model", _same),
    ("alibaba.model.max_tokens", "alibaba.alibaba_cloud.max_tokens", _same),
    ("alibaba.model.temperature", "alibaba.alibaba_cloud.temperature", _same),
    ("alibaba.use_cases", "alibaba.alibaba_cloud.use_for", _enabled),
    ("alibaba.rate_limit.requests_per_minute", "alibaba.alibaba_cloud.requests_per_minute", _same),
    ("alibaba.rate_limit.tokens_per_day", "alibaba.alibaba_cloud.tokens_per_day", _same),
    ("alibaba.triggers", "alibaba.alibaba_cloud.triggers", _same),
)
TABLES: dict[str, tuple[Translation, ...]] = {"storage": STORAGE, "monitoring": MONITORING, "alibaba": ALIBABA}

_MARKS: dict[str, tuple[str, ...]] = {
    "storage": (
        "google_drive",
        "storj.upload",
        "storj.retention",
        "storj.paths.logs",
        "storj.paths.state",
        "storj.paths.backups",
    ),
    "monitoring": ("grafana", "heartbeat"),
    "alibaba": ("alibaba",),
}


def is_legacy(section: str, data: dict[str, Any]) -> bool:
    """Whether a file has the older format, recognised by keys that only that format has."""
    return any(_at(data, _path(mark)) is not None for mark in _MARKS.get(section, ()))


def translate(section: str, document: Document) -> tuple[list[Row], list[Row]]:
    """Split a file into the translated values, and all others unchanged."""
    translated: list[Row] = []
    known: list[Path] = []
    for theirs, ours, convert in TABLES.get(section, ()):
        path = _path(theirs)
        value = _at(document.data, path)
        if value is not None:
            known.append(path)
            translated.append((_path(ours), convert(value), document.origin(path)))
    rest = [row for row in document.rows() if not any(row[0][: len(path)] == path for path in known)]
    return translated, rest


def _path(dotted: str) -> Path:
    return tuple(dotted.split("."))


def _at(data: Any, path: Path) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data
