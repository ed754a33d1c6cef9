"""Files of existing brains: the same facts under other keys, translated to ours.

Each translation is a table of (their path, our path); what no table knows becomes a warning, not a mistake, for the
file was not written for us.
"""

from collections.abc import Callable
from typing import Any

from nervesys.settings.yaml import Path, leaves

Row = tuple[str, str, Callable[[Any], Any]]


def _same(value: Any) -> Any:
    return value


def _folder(file: str) -> Callable[[Any], str]:
    """Their paths name a folder, ours a whole key."""

    def completed(value: Any) -> str:
        text = str(value)
        return (
            text if "{" in text.rpartition("/")[2] or "." in text.rpartition("/")[2] else f"{text.rstrip('/')}/{file}"
        )

    return completed


def _enabled(value: Any) -> list[str]:
    return [name for name, case in value.items() if isinstance(case, dict) and case.get("enabled")]


STORAGE: tuple[Row, ...] = (
    ("storj.endpoint", "storage.storj.endpoint", _same),
    ("storj.region", "storage.storj.region", _same),
    ("storj.bucket", "storage.storj.bucket", _same),
    ("storj.access_key", "storage.storj.access_key", _same),
    ("storj.secret_key", "storage.storj.secret_key", _same),
    ("storj.paths.state", "storage.storj.paths.agents", _folder("{agent}_state.json")),
    ("storj.paths.metrics", "storage.storj.paths.metrics", _folder("{hour}{minute}{second}_{agent}.json")),
    ("storj.paths.logs", "storage.storj.paths.active_logs", _folder("{time}_{agent}_{seq}.jsonl.gz")),
    ("storj.paths.backups", "storage.storj.paths.config_backups", _folder("{date}.tar.gz")),
    ("storj.retention.logs_days", "storage.retention.active_logs", _same),
    ("storj.retention.metrics_days", "storage.retention.metrics", _same),
    ("storj.retention.backups_days", "storage.retention.config_backups", _same),
    ("storj.upload.interval_minutes", "agent.buffer.flush_interval_minutes", _same),
    ("storj.upload.max_buffer_mb", "agent.buffer.max_size_mb", _same),
    ("google_drive.folder_id", "storage.archive.folder_id", _same),
    ("google_drive.folders.logs", "storage.archive.paths.logs", _folder("{year}/{month}/{server}_{date}.json.gz")),
    ("google_drive.folders.reports", "storage.archive.paths.reports_daily", _folder("{date}_summary.pdf")),
    (
        "google_drive.folders.weekly_reports",
        "storage.archive.paths.reports_weekly",
        _folder("{iso_year}/week_{week}.pdf"),
    ),
    ("google_drive.folders.backups", "storage.archive.paths.backups", _folder("full_backup_{date}.tar.gz")),
    ("google_drive.sync.archive_after_days", "storage.retention.active_logs", _same),
)
MONITORING: tuple[Row, ...] = (
    *(
        (f"grafana.alerts.{what}.{level}", f"thresholds.{what}.{level}", _same)
        for what in ("cpu", "memory", "disk")
        for level in ("warning", "critical")
    ),
    ("grafana.alerts.heartbeat_timeout_seconds", "thresholds.heartbeat.down_after_seconds", _same),
    ("heartbeat.interval_seconds", "thresholds.heartbeat.interval_seconds", _same),
)
ALIBABA: tuple[Row, ...] = (
    ("alibaba.enabled", "alibaba.alibaba_cloud.enabled", _same),
    ("alibaba.model.name", "alibaba.alibaba_cloud.model", _same),
    ("alibaba.model.max_tokens", "alibaba.alibaba_cloud.max_tokens", _same),
    ("alibaba.model.temperature", "alibaba.alibaba_cloud.temperature", _same),
    ("alibaba.use_cases", "alibaba.alibaba_cloud.use_for", _enabled),
    ("alibaba.rate_limit.requests_per_minute", "alibaba.alibaba_cloud.requests_per_minute", _same),
    ("alibaba.rate_limit.tokens_per_day", "alibaba.alibaba_cloud.tokens_per_day", _same),
    ("alibaba.triggers", "alibaba.alibaba_cloud.triggers", _same),
)
TABLES: dict[str, tuple[Row, ...]] = {"storage": STORAGE, "monitoring": MONITORING, "alibaba": ALIBABA}

_MARKS: dict[str, tuple[Path, ...]] = {
    "storage": (
        ("google_drive",),
        ("storj", "upload"),
        ("storj", "retention"),
        ("storj", "paths", "logs"),
        ("storj", "paths", "state"),
        ("storj", "paths", "backups"),
    ),
    "monitoring": (("grafana",), ("heartbeat",)),
    "alibaba": (("alibaba",),),
}


def is_legacy(section: str, data: dict[str, Any]) -> bool:
    """Whether a file is of the older form, told by a key that only that form has."""
    return any(_at(data, mark) is not None for mark in _MARKS.get(section, ()))


def translate(section: str, data: dict[str, Any]) -> tuple[list[tuple[Path, Path, Any]], list[Path]]:
    """What an older file says, in our keys.

    Returns:
        Rows of (their path, our path, value), and the paths that no table knows.
    """
    rows: list[tuple[Path, Path, Any]] = []
    known: set[Path] = set()
    for theirs, ours, convert in TABLES[section]:
        path = tuple(theirs.split("."))
        value = _at(data, path)
        if value is not None:
            known.add(path)
            rows.append((path, tuple(ours.split(".")), convert(value)))
    return rows, [path for path, _ in leaves(data) if not any(path[: len(k)] == k for k in known)]


def _at(data: Any, path: Path) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data
