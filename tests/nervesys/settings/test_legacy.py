"""A brain of the older form loads as it is."""

from pathlib import Path

import pytest

from nervesys.errors import SettingsError
from nervesys.settings import FolderTree, Loaded, load
from tests.nervesys.settings.conftest import MakeBrain

EXISTING = FolderTree(Path(__file__).parent / "brains/existing")


@pytest.fixture(scope="module")
def existing() -> Loaded:
    return load(EXISTING)


def at(loaded: Loaded, dotted: str) -> object:
    first, *rest = dotted.split(".")
    value: object = loaded.agents[rest.pop(0)] if first == "agents" else getattr(loaded.settings, first)
    for name in rest:
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


@pytest.mark.parametrize(
    ("key", "value", "origin"),
    [
        ("storage.storj.endpoint", "https://gateway.eu1.storjshare.io", "config/storage.yaml:3"),
        ("storage.storj.region", "eu1", "config/storage.yaml:4"),
        ("storage.storj.bucket", "nervesys-data", "config/storage.yaml:5"),
        ("storage.storj.paths.agents", "state/{server}/{agent}_state.json", "config/storage.yaml:13"),
        (
            "storage.storj.paths.metrics",
            "metrics/{server}/{date}/{hour}{minute}{second}_{agent}.json",
            "config/storage.yaml:11",
        ),
        (
            "storage.storj.paths.active_logs",
            "logs/{server}/{date}/{time}_{agent}_{seq}.jsonl.gz",
            "config/storage.yaml:10",
        ),
        ("storage.storj.paths.config_backups", "backups/daily/{date}.tar.gz", "config/storage.yaml:12"),
        ("storage.retention.active_logs", 14, "config/storage.yaml:32"),
        ("storage.retention.metrics", 10, "config/storage.yaml:21"),
        ("storage.retention.config_backups", 60, "config/storage.yaml:22"),
        (
            "storage.archive.paths.logs",
            "Archive/logs/{year}/{month}/{server}_{date}.json.gz",
            "config/storage.yaml:27",
        ),
        ("storage.archive.paths.reports_weekly", "Reports/Weekly/{iso_year}/week_{week}.pdf", "config/storage.yaml:29"),
        ("storage.storj.timeout_seconds", 20, "config/storage.yaml:8"),
        ("storage.brain.repository", "nervesys/nervesys", "config/storage.yaml:38"),
        ("thresholds.cpu.warning", 70, "config/monitoring.yaml:5"),
        ("thresholds.disk.critical", 88, "config/monitoring.yaml:7"),
        ("thresholds.heartbeat.down_after_seconds", 240, "config/monitoring.yaml:8"),
        ("thresholds.heartbeat.interval_seconds", 30, "config/monitoring.yaml:13"),
        ("monitoring.sources.store.refresh.agents", 20, "config/monitoring.yaml:17"),
        ("alibaba.alibaba_cloud.enabled", True, "config/alibaba.yaml:2"),
        ("alibaba.alibaba_cloud.model", "qwen-max", "config/alibaba.yaml:4"),
        ("alibaba.alibaba_cloud.use_for", ("error_analysis", "anomaly_detection"), "config/alibaba.yaml:5"),
        ("alibaba.alibaba_cloud.tokens_per_day", 50000, "config/alibaba.yaml:9"),
        ("agents.grok.buffer.flush_interval_minutes", 15, "config/storage.yaml:15"),
        ("agents.grok.buffer.max_size_mb", 50, "config/storage.yaml:16"),
        ("agents.grok.buffer.compression", "gzip", "config/storage.yaml:17"),
        ("agents.grok.buffer.compression_level", 9, "config/storage.yaml:18"),
        ("agents.grok.buffer.flush_on_size_mb", 5, "config/agents/default.yaml:3"),
        ("agents.grok.health.max_restart_attempts", 2, "config/agents/grok.yaml:4"),
        ("agents.gimai.model", "gimai-1", "config/agents/gimai.yaml:3"),
    ],
)
def test_each_fact_counts_whatever_its_key(existing: Loaded, key: str, value: object, origin: str) -> None:
    assert (at(existing, key), existing.origins[key]) == (value, origin)


def test_what_nothing_understands_is_a_warning(existing: Loaded) -> None:
    assert [(warning.where, warning.key) for warning in existing.warnings] == [
        ("config/storage.yaml:26", "google_drive.folders.archive"),
        ("config/storage.yaml:33", "google_drive.sync.interval_hours"),
        ("config/storage.yaml:35", "google_drive.reports.format"),
        ("config/monitoring.yaml:2", "grafana.dashboards"),
        ("config/monitoring.yaml:9", "grafana.alerts.buffer_full_threshold_mb"),
        ("config/monitoring.yaml:10", "grafana.notifications"),
        ("config/monitoring.yaml:14", "heartbeat.include_metrics"),
        ("config/monitoring.yaml:15", "heartbeat.metrics"),
        ("config/alibaba.yaml:3", "alibaba.region"),
        ("config/alibaba.yaml:2", "alibaba_cloud.api_key"),
        ("config/agents/default.yaml:2", "agent.bootstrap.clone_depth"),
        ("config/agents/default.yaml:2", "agent.bootstrap.config_path"),
        ("config/agents/default.yaml:4", "agent.logging.format"),
        ("config/agents/grok.yaml:5", "agent.capabilities"),
        ("config/agents/grok.yaml:6", "agent.notes"),
    ]


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("logs", "logs/{server}/{date}/{time}_{agent}_{seq}.jsonl.gz"),
        ("logs/{server}/{date}", "logs/{server}/{date}/{time}_{agent}_{seq}.jsonl.gz"),
        ("logs/{category}/", "logs/{category}/{server}/{date}/{time}_{agent}_{seq}.jsonl.gz"),
        ("logs/{date}/{agent}_{time}_{seq}.jsonl.gz", "logs/{date}/{agent}_{time}_{seq}.jsonl.gz"),
    ],
)
def test_a_folder_becomes_a_whole_key(brain: MakeBrain, path: str, template: str) -> None:
    loaded = load(brain(storage=f"storj: {{paths: {{logs: '{path}'}}}}"))
    assert loaded.settings.storage.storj.paths.active_logs == template


def test_a_wrong_value_in_an_older_file_is_a_mistake_all_the_same(brain: MakeBrain) -> None:
    with pytest.raises(SettingsError, match=r"config/alibaba.yaml:1: .*max_tokens: must be a whole number"):
        load(brain(alibaba="alibaba: {model: {max_tokens: lots}}"))
