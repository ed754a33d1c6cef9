"""Checks in a running Prometheus that every series that alerts select exists: a misspelt one never fires."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from alerting.generate.rules import Rule
from nervesys.clients.prometheus import Prometheus
from nervesys.clients.promql import selections

NO_GITHUB = "the brain is no repository on GitHub, or no token is set"
NO_BACKUP = "no backup has been made yet"
NO_ARCHIVE = "no server's logs have been archived yet"
NEVER_YET = "it has not happened yet"
NOT_DRILLED = "nobody has tried a restore yet"
TOO_YOUNG = "no agent has beaten often enough to know what is usual"
NOTHING_WAITS = "no artifact waits, for its service or for its content"
EXPECTED_ABSENT: Mapping[str, str] = {
    'nervesys_open_actions{state="escalated"}': NEVER_YET,
    'nervesys_exporter_last_success_timestamp_seconds{area="github",source="brain"}': NO_GITHUB,
    'nervesys_exporter_up{area="github",source="brain"}': NO_GITHUB,
    "nervesys_github_rate_limit_requests": NO_GITHUB,
    "nervesys_github_rate_limit_remaining_requests": NO_GITHUB,
    'nervesys_archive_newest_file_timestamp_seconds{area="backups"}': NO_BACKUP,
    'nervesys_store_newest_object_timestamp_seconds{area="config_backups"}': NO_BACKUP,
    "nervesys_archive_missing_log_days": NO_ARCHIVE,
    'nervesys_deployment_last_run_timestamp_seconds{branch=~"main|master",'
    'conclusion=~"failure|timed_out|startup_failure"}': NO_GITHUB,
    'nervesys_exporter_last_success_timestamp_seconds{area="deployments",source="hygiene"}': NO_GITHUB,
    'nervesys_exporter_up{area="deployments",source="hygiene"}': NO_GITHUB,
    "nervesys_server_anomaly_score": TOO_YOUNG,
    "nervesys_restore_drill_duration_seconds": NOT_DRILLED,
    "nervesys_restore_drill_success": NOT_DRILLED,
    "nervesys_restore_drill_timestamp_seconds": NOT_DRILLED,
    "nervesys_artifact_oldest_upload_timestamp_seconds": NOTHING_WAITS,
    "nervesys_artifact_oldest_waiting_request_timestamp_seconds": NOTHING_WAITS,
}
"""Selectors that may match nothing in a healthy stack, each with the reason."""


@dataclass(frozen=True)
class SelectorResult:
    """A selector, and whether it matches any series.

    Attributes:
        alerts: the names of those that use it.
        reason: why it may be absent; empty where it must be there.
    """

    selector: str
    alerts: tuple[str, ...]
    there: bool
    reason: str

    @property
    def fine(self) -> bool:
        """Whether it matches, or need not."""
        return self.there or bool(self.reason)


def check_selectors(prometheus: Prometheus, rules: Iterable[Rule]) -> Iterator[SelectorResult]:
    """Ask for every selector of the rules, once.

    Raises:
        QueryFailed: with Prometheus' error message.
    """
    alerts_by_selector: dict[str, dict[str, None]] = {}
    for rule in rules:
        for selection in selections(rule.expr):
            alerts_by_selector.setdefault(selection.text, {})[rule.alert.name] = None
    for selector, alerts in sorted(alerts_by_selector.items()):
        there = bool(prometheus.instant(f"count({selector})"))
        yield SelectorResult(selector, tuple(alerts), there, EXPECTED_ABSENT.get(selector, ""))
