"""The content of prometheus.yml: scrape jobs, rule files, and Alertmanagers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alerting.scrape_targets import FOREIGN, jobs
from alerting.units import promql_duration
from nervesys.settings import Settings
from nervesys.settings.monitoring import RemoteWriteSettings

BUCKET = "agent_bucket"
"""Label of alerts about agents, which divides those of one name into a few groups of Alertmanager's."""
BUCKETS = 8
"""An alert takes about 3 kB of a webhook's body: a bucket holds 2 500 in half of what the receiver takes (16 MiB)."""


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
            "alert_relabel_configs": [
                # Replicas send one and the same alert: without this, each would be an alert of its own.
                {"action": "labeldrop", "regex": "replica"},
                *_buckets(),
            ],
            "alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}],
        },
    }


def _buckets() -> Iterator[dict[str, Any]]:
    """Add `BUCKET` to alerts about agents; it follows from the agent's name alone, so it never changes."""
    number = f"__{BUCKET}"
    yield {"action": "hashmod", "source_labels": ["agent"], "modulus": BUCKETS, "target_label": number}
    yield {"source_labels": ["agent", number], "regex": ".+;(.+)", "target_label": BUCKET}
    yield {"action": "labeldrop", "regex": number}


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
