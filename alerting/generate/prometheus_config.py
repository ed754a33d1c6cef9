"""The content of prometheus.yml: scrape jobs, rule files, and Alertmanagers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alerting.scrape_targets import FOREIGN, jobs
from alerting.units import promql_duration
from nervesys.settings import Settings
from nervesys.settings.monitoring import RemoteWriteSettings


def prometheus_config(settings: Settings, secrets: Path, *, evaluates: bool = True) -> dict[str, Any]:
    """The content of prometheus.yml.

    Args:
        settings: addresses and intervals.
        secrets: folder in which the password of basic auth lies, as `web_password`, and relative names of other files.
        evaluates: whether it evaluates alerting rules and notifies Alertmanager; else it has recording rules alone.
    """
    timing, alertmanagers = settings.monitoring.prometheus, settings.monitoring.alertmanagers
    stores = timing.remote_write
    return {
        "global": {
            "scrape_interval": promql_duration(timing.scrape_interval_seconds),
            "scrape_timeout": promql_duration(min(10, timing.scrape_interval_seconds)),
            "evaluation_interval": promql_duration(timing.evaluation_interval_seconds),
            "external_labels": {"fleet": "nervesys", "replica": "a"},
        },
        # A clock that jumps back would otherwise make Prometheus refuse every sample until it has caught up.
        "storage": {"tsdb": {"out_of_order_time_window": "2h"}},
        **(_evaluation(alertmanagers) if evaluates else {"rule_files": ["rules/recording.yml"]}),
        "scrape_configs": [
            {
                "job_name": job,
                **(_protection(settings, secrets) if job not in FOREIGN else {}),
                **({"metrics_path": target.path} if target.path else {}),
                "static_configs": [{"targets": list(target.addresses)}],
            }
            for job, target in jobs(settings).items()
        ],
        **({"remote_write": [_remote_write(store, secrets) for store in stores]} if stores else {}),
    }


def _remote_write(store: RemoteWriteSettings, secrets: Path) -> dict[str, Any]:
    """An entry of `remote_write`; secrets are named by file, so the configuration holds none."""
    entry: dict[str, Any] = {"url": store.url}
    if store.password_file:
        entry["basic_auth"] = {"username": store.user, "password_file": str(secrets / store.password_file)}
    if store.token_file:
        entry["authorization"] = {"credentials_file": str(secrets / store.token_file)}
    queue = store.queue.model_dump(exclude_none=True)
    if (deadline := queue.pop("batch_send_deadline_seconds", None)) is not None:
        queue["batch_send_deadline"] = promql_duration(deadline)
    return entry | ({"queue_config": queue} if queue else {})


def _evaluation(alertmanagers: Sequence[str]) -> dict[str, Any]:
    return {
        "rule_files": ["rules/*.yml"],
        "alerting": {
            # Replicas send one and the same alert: without this, each would be an alert of its own.
            "alert_relabel_configs": [{"action": "labeldrop", "regex": "replica"}],
            "alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}],
        },
    }


def _protection(settings: Settings, secrets: Path) -> dict[str, Any]:
    """What a scrape needs to get past TLS and basic auth, where they are on."""
    web = settings.monitoring.web
    parts: dict[str, Any] = {}
    if web.tls_cert_file:
        parts |= {"scheme": "https", "tls_config": {"ca_file": web.tls_cert_file}}
    if web.basic_auth_user:
        password = str(secrets / "web_password")
        parts["basic_auth"] = {"username": web.basic_auth_user, "password_file": password}
    return parts
