"""Prometheus: its version and retention, whether it reaches its targets, and whether our rules are loaded and run."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import yaml

from alerting.generate.prometheus_config import BUCKET
from commands.diagnosis.finding import DoctorFinding, fail, ok, warn
from nervesys.clients.prometheus import Prometheus
from nervesys.plural import count

SUBJECT = "prometheus"
REMEDY = "start Prometheus, or set monitoring.prometheus.url to its address"
OLDEST = (2, 42)
"""The first release that knows `keep_firing_for`, which our rules use."""
SHORT_RETENTION_DAYS = 8
"""A weekly report needs a week, and a day to be written."""
PAGE_DAYS, LONGEST_PAGE = 90, "Historical Trends, which looks 90 days back,"
UNIT_DAYS = {"ms": 1 / 86_400_000, "s": 1 / 86_400, "m": 1 / 1440, "h": 1 / 24, "d": 1, "w": 7, "y": 365}


def judge_version(version: str) -> DoctorFinding:
    """Whether this release can load our rules."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        return fail(SUBJECT, f"version {version} does not know keep_firing_for", "install Prometheus 2.42 or newer")
    return ok(SUBJECT, f"version {version}")


def judge_targets(targets: Sequence[Mapping[str, Any]], jobs: Collection[str]) -> Iterator[DoctorFinding]:
    """Every job must be scraped, and every target answer.

    Args:
        targets: active targets, as Prometheus' API lists them.
        jobs: names of the jobs that are expected.
    """
    build = "write its configuration with `nervesys alerts build`, and reload Prometheus"
    for job in sorted(set(jobs) - {target["labels"].get("job") for target in targets}):
        yield fail(SUBJECT, f"no target of job {job}", build)
    down = [target for target in targets if target["health"] != "up"]
    for target in down:
        job, problem = target["labels"].get("job"), target.get("lastError") or "not scraped yet"
        yield fail(SUBJECT, f"target {job} is {target['health']}: {problem}", f"start {job}, or mend its address")
    if targets and not down:
        yield ok(SUBJECT, f"{count(len(targets), 'target')} up")


def judge_rules(rules: Sequence[Mapping[str, Any]], alerts: Collection[str]) -> Iterator[DoctorFinding]:
    """Every alert must be loaded, and be evaluated without an error.

    Args:
        rules: of all groups, as Prometheus' API lists them.
        alerts: names of the alerts that it must evaluate; empty where Grafana does.
    """
    missing = sorted(set(alerts) - {rule["name"] for rule in rules})
    if missing:
        remedy = "write them with `nervesys alerts build`, and reload Prometheus"
        yield fail(SUBJECT, f"{count(len(missing), 'alert')} not loaded: {', '.join(missing)}", remedy)
    failing = [rule for rule in rules if rule.get("health") == "err"]
    for rule in failing:
        yield fail(SUBJECT, f"rule {rule['name']} fails: {rule.get('lastError', '')}", "run `nervesys alerts check`")
    if rules and not failing and not missing:
        yield ok(SUBJECT, f"{count(len(rules), 'rule')} loaded and evaluated")


def judge_retention(text: str) -> DoctorFinding:
    """Whether it keeps long enough for a weekly report.

    Args:
        text: such as `30d`, `1w2d` or `15d or 10GiB`, as Prometheus shows it.
    """
    found = re.match(r"(?:\d+(?:ms|[smhdwy]))+", text)
    days = sum(
        int(number) * UNIT_DAYS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", found[0] if found else "")
    )
    if found and days < SHORT_RETENTION_DAYS:
        remedy = f"start it with --storage.tsdb.retention.time={SHORT_RETENTION_DAYS}d or more"
        return warn(SUBJECT, f"it keeps {text}: too short for weekly reports", remedy)
    short = f"; {LONGEST_PAGE} begins later" if found and days < PAGE_DAYS else ""
    return ok(SUBJECT, f"it keeps {text or 'its default'}{short}")


def judge_relabelling(config: str) -> DoctorFinding:
    """Whether it adds the label to alerts by which Alertmanager groups them for the receiver.

    Args:
        config: its configuration, as its API shows it.
    """
    alerting = (yaml.safe_load(config) or {}).get("alerting") or {}
    targets = {step.get("target_label") for step in alerting.get("alert_relabel_configs") or ()}
    if BUCKET in targets:
        return ok(SUBJECT, f"it adds {BUCKET} to alerts")
    remedy = "add alert_relabel_configs: docs/how-to/remote-write.md#relabelling-of-alerts"
    return warn(SUBJECT, f"it does not add {BUCKET} to alerts: groups for the receiver can become too large", remedy)


def check_prometheus(client: Prometheus, jobs: Collection[str], alerts: Collection[str]) -> Iterator[DoctorFinding]:
    """Ask a running Prometheus; the arguments are those of the judgements."""
    yield judge_version(str(client.status("buildinfo").get("version", "")))
    yield from judge_targets(client.targets(), jobs)
    rules = client.rules()
    yield from judge_rules(rules, alerts)
    if rules and alerts:  # VictoriaMetrics has no rules, and vmalert shows its configuration to nobody
        yield judge_relabelling(str(client.status("config").get("yaml", "")))
    yield judge_retention(str(client.status("runtimeinfo").get("storageRetention", "")))
