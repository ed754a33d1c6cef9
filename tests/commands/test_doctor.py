"""The doctor finds nothing in a fleet in which all is well, and each planted fault, with its remedy.

Covers: commands.diagnosis.agents, commands.diagnosis.alertmanager, commands.diagnosis.archive,
commands.diagnosis.brain, commands.diagnosis.checks, commands.diagnosis.finding, commands.diagnosis.machine,
commands.diagnosis.model, commands.diagnosis.prometheus, commands.diagnosis.receiver, commands.diagnosis.secrets,
commands.diagnosis.store.
"""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.diagnosis import agents, alertmanager, archive, machine, prometheus, store
from commands.diagnosis.agents import AgentHeartbeat
from commands.diagnosis.finding import DoctorCheck, DoctorFinding, FindingLevel, fail, ok, run_checks
from nervesys.contract import Status
from nervesys.errors import NervesysError
from tests.alerting.drivers.supervisord import PASSWORD, Supervisord, supervisord
from tests.commands.conftest import Run
from tests.commands.diagnosis.world import HOOK, STATE, TOKEN, World, away, healthy, prometheus_page
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, rclone

SECRETS = (ACCESS_KEY, SECRET_KEY, TOKEN, PASSWORD, "a-path-that-no-line-may-hold")
Report = Callable[[World], list[DoctorFinding]]


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisord]:
    with supervisord() as running:
        yield running


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rclone(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint


@pytest.fixture
def world(tmp_path: Path, s3: str, supervisor: Supervisord) -> Iterator[World]:
    with healthy(tmp_path, s3, supervisor) as fleet:
        yield fleet


@pytest.fixture
def report(run: Run, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Runs the doctor; no secret may be printed, and the exit code is 1 where anything fails."""

    def examine(world: World) -> list[DoctorFinding]:
        for name, value in world.environ.items():
            monkeypatch.setenv(name, value)
        ran = run("doctor", "--json", *world.argv)
        rows = json.loads(ran.out)["findings"]
        findings = [
            DoctorFinding(FindingLevel(row["level"]), row["subject"], row["what"], row["remedy"]) for row in rows
        ]
        assert ran.code == int(any(finding.level is FindingLevel.FAIL for finding in findings))
        assert [secret for secret in SECRETS if secret in ran.out + ran.err] == []
        return findings

    return examine


@pytest.fixture
def backed_up(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fleet has a full backup of today."""
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    made = run("backup")
    assert made.code == 0, made.err


def incomplete(finding: DoctorFinding) -> bool:
    """Whether it is about a part that this small fleet does not have, such as workspaces."""
    return finding.subject == "backup" and "the newest lacks" in finding.what


def set_target(world: World, **changes: object) -> None:
    """Change the first target of Prometheus."""
    data = json.loads(world.prometheus["/api/v1/targets"][1])["data"]
    data["activeTargets"][0] |= changes
    world.prometheus["/api/v1/targets"] = prometheus_page(data)


def set_rules(world: World, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the rules of Prometheus."""
    data = json.loads(world.prometheus["/api/v1/rules"][1])["data"]
    change(data["groups"][0]["rules"])
    world.prometheus["/api/v1/rules"] = prometheus_page(data)


def commit(world: World, name: str, **changes: Any) -> None:
    """Change a file of the brain."""
    world.brain[name] = {**world.brain.get(name, {}), **changes}
    world.commit()


def region(world: World) -> None:
    """A store that says that the region is another, as Amazon's does."""
    body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu1</Region></Error>"
    world.other[f"/{BUCKET}"] = (400, body)
    world.environ["STORJ_ENDPOINT"] = f"http://{world.addresses['other']}"


def without_receiver(world: World) -> dict[str, Any]:
    config = world.loaded_config()
    return {"receivers": config["receivers"][:-1]}


def other_token(world: World) -> None:
    path = world.secret("another_token", b"another")
    config = world.loaded_config()
    config["receivers"][1]["webhook_configs"][0]["http_config"]["authorization"]["credentials_file"] = str(path)
    world.load_alertmanager(config)


def same_ports(world: World) -> None:
    listen = world.brain["monitoring.yaml"]["listen"]
    commit(world, "monitoring.yaml", listen={**listen, "artifacts": listen["receiver"]})


def agent(**fields: Any) -> dict[str, Any]:
    return {"agent": {"name": "grok", **fields}}


FAULTS: dict[str, tuple[Callable[[World], object], str, str, str, str]] = {
    # what is wrong: how it is planted, level, subject, words of the finding, words of the remedy
    "no bucket": (lambda w: w.environ.update(STORJ_BUCKET="nobodys"), "FAIL", "store", "NoSuchBucket", "STORJ_BUCKET"),
    "unknown access key": (
        lambda w: w.environ.update(STORJ_ACCESS_KEY="AKIDOTHER"),
        "FAIL",
        "store",
        "bucket nervesys",
        "STORJ_ACCESS_KEY",
    ),
    "wrong secret key": (
        lambda w: w.environ.update(STORJ_SECRET_KEY="x"),
        "FAIL",
        "store",
        "SignatureDoesNotMatch",
        "STORJ_SECRET_KEY",
    ),
    "no keys": (lambda w: w.environ.pop("STORJ_SECRET_KEY"), "FAIL", "store", "no keys", "STORJ_ACCESS_KEY"),
    "no store": (
        lambda w: w.environ.update(STORJ_ENDPOINT=f"http://{away()}"),
        "FAIL",
        "store",
        "cannot connect",
        "STORJ_ENDPOINT",
    ),
    "wrong region": (region, "FAIL", "store", "AuthorizationHeaderMalformed", "STORJ_REGION"),
    "brain away": (
        lambda w: w.environ.update(NERVESYS_BRAIN=f"file://{w.folder}/nowhere.git"),
        "FAIL",
        "brain",
        "nowhere.git",
        "NERVESYS_BRAIN",
    ),
    "state refuses pushes": (
        lambda w: w.hook(HOOK.replace("main", "state")),
        "FAIL",
        "brain",
        "a push to state is refused",
        "the right to push",
    ),
    "main accepts pushes": (
        lambda w: w.hook(""),
        "WARN",
        "brain",
        "a push to main would be accepted",
        "protect it on the Git host",
    ),
    "a mistake in the brain": (
        lambda w: commit(w, "alerts.yaml", chanels={}),
        "FAIL",
        "configuration",
        "config/alerts.yaml",
        "correct it",
    ),
    "no folder of the archive": (
        lambda w: shutil.rmtree(w.folder / "archive"),
        "FAIL",
        "archive",
        "no folder",
        "NERVESYS_ARCHIVE",
    ),
    "no archive": (
        lambda w: w.environ.pop("NERVESYS_ARCHIVE"),
        "WARN",
        "archive",
        "none is configured",
        "NERVESYS_ARCHIVE",
    ),
    "secret for everybody": (
        lambda w: w.secret("slack_url", b"https://x", 0o644),
        "WARN",
        "secrets",
        "mode 0644 and lets other users read it",
        "chmod 600",
    ),
    "empty secret": (
        lambda w: w.secret("smtp_password", b" \n"),
        "FAIL",
        "secrets",
        "is empty",
        "put the secret into it",
    ),
    "byte order mark": (
        lambda w: w.secret("smtp_password", b"\xef\xbb\xbfopen"),
        "FAIL",
        "secrets",
        "byte order mark",
        "without BOM",
    ),
    "white space in a secret": (
        lambda w: w.secret("smtp_password", b"open \n"),
        "WARN",
        "secrets",
        "ends with white space",
        "printf %s",
    ),
    "no Prometheus": (lambda w: w.prometheus.clear(), "FAIL", "prometheus", "query Prometheus at", "start Prometheus"),
    "old Prometheus": (
        lambda w: w.prometheus.update({"/api/v1/status/buildinfo": prometheus_page({"version": "2.31.0"})}),
        "FAIL",
        "prometheus",
        "version 2.31.0",
        "2.42 or newer",
    ),
    "target down": (
        lambda w: set_target(w, health="down", lastError="refused"),
        "FAIL",
        "prometheus",
        "is down: refused",
        "start ",
    ),
    "alert not loaded": (
        lambda w: set_rules(w, lambda rules: rules.pop()),
        "FAIL",
        "prometheus",
        "1 alert not loaded",
        "alerts build",
    ),
    "rule fails": (
        lambda w: set_rules(w, lambda rules: rules[0].update(health="err", lastError="many-to-many")),
        "FAIL",
        "prometheus",
        "fails: many-to-many",
        "alerts check",
    ),
    "alerts without bucket": (
        lambda w: w.prometheus.update({"/api/v1/status/config": prometheus_page({"yaml": "global: {}"})}),
        "WARN",
        "prometheus",
        "agent_bucket",
        "alert_relabel_configs",
    ),
    "short retention": (
        lambda w: w.prometheus.update({"/api/v1/status/runtimeinfo": prometheus_page({"storageRetention": "2d12h"})}),
        "WARN",
        "prometheus",
        "keeps 2d12h",
        "retention.time",
    ),
    "no Alertmanager": (lambda w: w.alertmanager.clear(), "FAIL", "alertmanager", "HTTP 404", "start Alertmanager"),
    "old configuration of Alertmanager": (
        lambda w: w.load_alertmanager(without_receiver(w)),
        "FAIL",
        "alertmanager",
        "lacks the receivers slack",
        "reload",
    ),
    "another token": (other_token, "FAIL", "alertmanager", "its token differs from the receiver's", "the same file"),
    "channel without its secret": (
        lambda w: (w.home / "secrets/slack_url").unlink(),
        "FAIL",
        "secrets",
        "slack_url: No such file",
        "create it",
    ),
    "no URL of Slack": (
        lambda w: w.secret("slack_url", b"x"),
        "FAIL",
        "alertmanager",
        "slack_url is not the URL",
        "the URL that Slack shows",
    ),
    "nobody is notified": (
        lambda w: commit(w, "alerts.yaml", channels={"slack": {"type": "slack", "channel": "#x", "enabled": False}}),
        "WARN",
        "alertmanager",
        "nobody is notified",
        "enable one in config/alerts.yaml",
    ),
    "receiver not ready": (
        lambda w: w.receiver.update({"/-/ready": (503, "the journal is locked\n")}),
        "FAIL",
        "receiver",
        "not ready: the journal is locked",
        "mend what it names",
    ),
    "another program at the receiver's address": (
        lambda w: w.receiver.update({"/-/ready": (404, "")}),
        "FAIL",
        "receiver",
        "another program",
        "set another address",
    ),
    "no receiver.yaml": (
        lambda w: (w.home / "receiver.yaml").unlink(),
        "FAIL",
        "receiver",
        "no such file",
        "docs/how-to/restarts.md",
    ),
    "no driver": (
        lambda w: w.local_file(drivers={}),
        "FAIL",
        "receiver",
        "it has no driver",
        "add one to receiver.yaml",
    ),
    "receiver only observes": (
        lambda w: w.local_file(actions={"mode": "observe"}),
        "WARN",
        "receiver",
        "only observes",
        "actions.mode: act",
    ),
    "agent never seen": (
        lambda w: w.store.delete(STATE),
        "FAIL",
        "agent grok",
        "no heartbeat was ever received",
        "agent run grok",
    ),
    "target unknown to supervisor": (
        lambda w: commit(w, "agents/grok.yaml", **agent(restart={"target": "grook"})),
        "FAIL",
        "agent grok",
        "BAD_NAME",
        "restart.target",
    ),
    "supervisor away": (
        lambda w: w.local_file(drivers={"supervisor": {"url": f"http://{away()}", "servers": ["*"]}}),
        "FAIL",
        "agent grok",
        "Connection refused",
        "the driver's address",
    ),
    "driver of another server": (
        lambda w: w.local_file(drivers={"supervisor": {"url": w.supervisord.unix_url, "servers": ["beta"]}}),
        "FAIL",
        "agent grok",
        "does not reach server alpha",
        "under `servers`",
    ),
    "one port for two programs": (same_ports, "FAIL", "ports", "have the same address", "monitoring.listen"),
    "no git": (lambda w: w.environ.update(PATH="/nowhere"), "FAIL", "brain", "`git` is not installed", "install git"),
    "model without a key": (
        lambda w: commit(w, "alibaba.yaml", alibaba_cloud={"enabled": True}),
        "WARN",
        "model",
        "no key",
        "DASHSCOPE_API_KEY",
    ),
}


@pytest.mark.usefixtures("backed_up")
def test_where_all_is_well_nothing_is_found_and_nothing_changes(world: World, report: Report) -> None:
    before = world.store.list("").objects
    findings = report(world)
    assert [finding for finding in findings if finding.level is not FindingLevel.OK and not incomplete(finding)] == []
    assert {finding.subject for finding in findings} == {
        "versions", "disk", "ports", "secrets", "store", "brain", "archive", "prometheus", "alertmanager", "receiver",
        "agent grok", "model", "backup", "encryption",
    }  # fmt: skip
    assert world.store.list("").objects == before


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_found_with_its_remedy(world: World, report: Report, fault: str) -> None:
    plant, level, subject, what, remedy = FAULTS[fault]
    plant(world)
    findings = [finding for finding in report(world) if finding.level is not FindingLevel.OK]
    assert [
        finding
        for finding in findings
        if (finding.level, finding.subject) == (level, subject) and what in finding.what and remedy in finding.remedy
    ], findings


@pytest.mark.usefixtures("backed_up")
@pytest.mark.parametrize("role", ["round", "agent"])
def test_a_role_that_writes_tries_it_and_leaves_nothing(world: World, report: Report, role: str) -> None:
    world.argv = ("--role", role, *(("--agent", "grok") if role == "agent" else ()))
    before, archived = world.store.list("").objects, set((world.folder / "archive").rglob("*"))
    findings = report(world)
    assert [finding for finding in findings if finding.level is not FindingLevel.OK and not incomplete(finding)] == []
    assert [finding for finding in findings if finding.subject == "store" and "wrote and deleted" in finding.what]
    assert world.store.list("").objects == before
    assert set((world.folder / "archive").rglob("*")) == archived


def test_the_model_is_asked_only_on_request(world: World, report: Report) -> None:
    answer = {"choices": [{"message": {"content": "yes"}}], "usage": {"total_tokens": 5}}
    commit(
        world,
        "alibaba.yaml",
        alibaba_cloud={
            "enabled": True,
            "base_url": f"http://{world.addresses['other']}",
            "api_key": "${DASHSCOPE_API_KEY}",
        },
    )
    world.environ["DASHSCOPE_API_KEY"] = TOKEN
    assert [finding.what for finding in report(world) if "not asked" in finding.what]
    world.argv = ("--ask-model",)
    refused = [finding for finding in report(world) if finding.subject == "model"]
    assert [(finding.level, "status 404" in finding.what) for finding in refused] == [(FindingLevel.FAIL, True)]
    world.other["/chat/completions"] = (200, json.dumps(answer))
    assert [finding.what for finding in report(world) if "answered" in finding.what]


def test_people_read_a_line_a_finding(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    world.local_file(drivers={})
    ran = run("doctor")
    line = next(line for line in ran.out.splitlines() if "it has no driver" in line)
    assert line.startswith("FAIL  receiver")
    assert line.endswith("-> add one to receiver.yaml: docs/how-to/restarts.md")
    assert (ran.code, "failure" in ran.out.splitlines()[-1]) == (1, True)


def test_an_agent_s_role_needs_its_name(run: Run) -> None:
    assert run("doctor", "--role", "agent").code == 2


def test_a_check_that_hangs_costs_its_time_limit_and_no_other(world: World) -> None:
    hang = threading.Event()

    def broken() -> list[DoctorFinding]:
        raise NervesysError("cannot connect")

    checks = [
        DoctorCheck("slow", lambda: [ok("slow", str(hang.wait()))], "wait", seconds=0.1),
        DoctorCheck("broken", broken, "start it"),
        DoctorCheck("bug", lambda: [ok("bug", str(1 // 0))], "none"),
        DoctorCheck("fine", lambda: [ok("fine", "yes")], "none"),
    ]
    found = run_checks(checks)
    hang.set()
    assert found == [
        fail("slow", "no result within 0.1 s", "wait"),
        fail("broken", "cannot connect", "start it"),
        fail("bug", "a bug: ZeroDivisionError", "report it, with `nervesys --version`"),
        ok("fine", "yes"),
    ]


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (store.judge_clock(1000.0, 1010.0), "OK"),
        (store.judge_clock(1000.0, 1100.0), "WARN"),
        (store.judge_clock(1000.0, 2000.0), "FAIL"),
        (store.judge_clock(None, 0.0), "WARN"),
        (store.judge_error("list x: RequestTimeTooSkewed"), "FAIL"),
        (archive.judge_quota({}), "OK"),
        (archive.judge_quota({"limit": 100, "used": 95}), "WARN"),
        (archive.judge_quota({"limit": 100, "used": 99}), "FAIL"),
        (machine.judge_git("git version 2.25.1"), "FAIL"),
        (machine.judge_disk(Path("/x"), 4, 100), "WARN"),
        (machine.judge_disk(Path("/x"), 0, 100), "FAIL"),
        (prometheus.judge_retention("1w2d or 10GiB"), "OK"),
        (prometheus.judge_retention("15d"), "OK"),
        (prometheus.judge_retention(""), "OK"),
        (agents.judge_heartbeat("grok", AgentHeartbeat(900, "alpha", Status.RUNNING), 300), "FAIL"),
        (agents.judge_heartbeat("grok", AgentHeartbeat(900, "alpha", Status.STOPPED), 300), "OK"),
        (agents.judge_heartbeat("grok", AgentHeartbeat(5), 300), "FAIL"),
        (alertmanager.judge_token(None, "t", 30.0), "OK"),
        (alertmanager.judge_token(None, "t", 900.0), "WARN"),
        (alertmanager.judge_token(None, "t", None), "WARN"),
    ],
)  # fmt: skip
def test_what_no_server_here_can_play_is_judged_by_its_figures(finding: DoctorFinding, level: str) -> None:
    assert (finding.level, bool(finding.remedy)) == (level, level != "OK")


def test_a_retention_below_the_range_of_the_longest_page_is_named() -> None:
    assert "Historical Trends" in prometheus.judge_retention("30d").what
    assert "Historical Trends" not in prometheus.judge_retention("100d").what
