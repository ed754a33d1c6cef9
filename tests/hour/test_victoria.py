"""VictoriaMetrics in place of Prometheus: the queries of all pages, the rules by vmalert, and the scrape targets."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import yaml

from alerting.generate.build import files
from alerting.generate.prometheus_config import BUCKET, BUCKETS
from alerting.generate.rules import evaluated_rules
from alerting.model import read_alerts
from commands.conditions import condition_compiler
from commands.dashboards import world
from dashboards.build import recording_files
from nervesys.contract import format_time
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import FolderTree, shipped_root
from tests.hour import victoria
from tests.hour.compare import NOW, both, page_differences, rule_differences
from tests.hour.history import HOUR_SECONDS, openmetrics
from tests.hour.prometheus import LOCAL
from tests.servers.victoria import find

ALERTS, COMPILER = read_alerts(FolderTree(shipped_root()))[0], condition_compiler(LOCAL)
REPLAYED_SECONDS = 300
"""Longer than each `for` of a rule would be too long for a test; alerts that wait are compared by their expression."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[QueryRunner, QueryRunner]]:
    with both(tmp_path_factory.mktemp("hour")) as pair:
        yield pair


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated configuration of Prometheus; without `keep_firing_for`, if this vmalert is older than it."""
    folder = tmp_path_factory.mktemp("provisioning")
    made = files(COMPILER, ALERTS, folder) | recording_files(LOCAL)
    for name, text in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    command = [find("vmalert"), "-dryRun", f"-rule={folder}/prometheus/rules/*.yml"]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if "unknown fields in rule: keep_firing_for" in tried.stderr:
        file = folder / "prometheus/rules/nervesys.yml"
        file.write_text(re.sub(r"(?m)^ *keep_firing_for: .*\n", "", file.read_text()))
    return folder / "prometheus"


def test_all_pages_get_the_same_answers(servers: tuple[QueryRunner, QueryRunner]) -> None:
    assert list(page_differences(*servers)) == []


def test_all_rules_get_the_same_answers(servers: tuple[QueryRunner, QueryRunner]) -> None:
    assert list(rule_differences(*servers)) == []


def test_vmalert_evaluates_the_rules_as_prometheus_does(
    servers: tuple[QueryRunner, QueryRunner], provisioned: Path, tmp_path: Path
) -> None:
    groups = [
        group for file in (provisioned / "rules").glob("*.yml") for group in yaml.safe_load(file.read_text())["groups"]
    ]
    for rule in (rule for group in groups for rule in group["rules"]):
        rule.pop("annotations", None)  # an older release asks no queries of annotations in a replay
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/all.yml").write_text(yaml.safe_dump({"groups": groups}))
    prometheus, other = (runner.prometheus for runner in servers)
    vmalert(
        tmp_path,
        f"-datasource.url={other.url}",
        f"-remoteWrite.url={other.url}",
        f"-replay.timeFrom={format_time(NOW - REPLAYED_SECONDS).replace('.000', '')}",
        f"-replay.timeTo={format_time(NOW).replace('.000', '')}",
        "-replay.disableProgressBar",
        "-replay.rulesDelay=0s",
    )
    wanted = {
        rule["alert"]
        for group in groups
        for rule in group["rules"]
        if "alert" in rule and "for" not in rule and prometheus.instant(rule["expr"], NOW)
    }
    fired = {item.labels["alertname"] for item in until(lambda: other.instant('ALERTS{alertgroup!=""}', NOW))}
    assert wanted
    assert wanted <= fired


def test_alerts_of_vmalert_have_the_labels_that_the_receiver_knows(provisioned: Path, tmp_path: Path) -> None:
    """It relabels alerts by the same rules as Prometheus, by a file of its own."""
    text = openmetrics(dict(world(LOCAL).known), int(time.time()) - HOUR_SECONDS)
    labels = {rule.alert.alertname: {"alertname", "severity", *rule.by} for rule in evaluated_rules(COMPILER, ALERTS)}
    with ExitStack() as stack:
        url = stack.enter_context(victoria.remembering(tmp_path / "victoria", text))
        notifier, received = stack.enter_context(sink())
        targets = [{"targets": [notifier.removeprefix("http://")]}]
        relabelling = yaml.safe_load((provisioned / "prometheus.yml").read_text())["alerting"]["alert_relabel_configs"]
        config = tmp_path / "notifier.yml"
        config.write_text(yaml.safe_dump({"static_configs": targets, "alert_relabel_configs": relabelling}))
        urls = [f"-datasource.url={url}", f"-remoteWrite.url={url}", f"-notifier.config={config}"]
        options = [*urls, "-evaluationInterval=1s"]
        command = [find("vmalert"), f"-rule={provisioned}/rules/*.yml", "-httpListenAddr=127.0.0.1:0", *options]
        log = stack.enter_context((tmp_path / "log").open("wb"))
        process = stack.enter_context(subprocess.Popen([*command, "-disableAlertgroupLabel"], stderr=log))
        stack.callback(process.terminate)
        alert = next(alert for alert in iter(partial(received.get, timeout=30), None) if "agent" in alert["labels"])
    kept = {name for name in alert["labels"] if not name.startswith("exported_agent_")}  # of releases before 1.142
    assert int(alert["labels"].pop(BUCKET)) in range(BUCKETS)
    assert kept - {BUCKET} == labels[alert["labels"]["alertname"]], "so fingerprints are those of Prometheus"
    assert {"summary", "description", "runbook_url", "dashboard_url"} <= alert["annotations"].keys()


def test_victoria_metrics_reads_the_scrape_targets(provisioned: Path) -> None:
    options = ["-promscrape.config.dryRun", "-promscrape.config.strictParse=false"]
    command = [find("victoria-metrics"), f"-promscrape.config={provisioned}/prometheus.yml", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def vmalert(folder: Path, *options: str) -> None:
    """Run it to its end with the rules of a folder."""
    command = [find("vmalert"), f"-rule={folder}/rules/*.yml", "-httpListenAddr=127.0.0.1:0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def until(ask: Any) -> Any:
    """The first answer that is not empty; samples that were written are seen within a second or two."""
    deadline = time.monotonic() + 20
    while not (found := ask()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


@contextmanager
def sink() -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    """The API of an Alertmanager that takes every alert; its URL, and the alerts."""
    received: Queue[dict[str, Any]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            for alert in json.loads(self.rfile.read(int(self.headers["content-length"]))):
                received.put(alert)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()
