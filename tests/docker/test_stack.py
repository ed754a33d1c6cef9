"""docker-compose.yml on a real engine: it starts, it heals, and it is as closed as it claims."""

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from nervesys.settings import load
from tests.docker.images import OURS, STORE
from tests.docker.stack import ONCE, PROJECT, PUBLISHED, ROOT, DockerStack
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PROBES = Path(__file__).parent / "probes"
"""Scripts that run in a container."""
LISTENING = {
    "s3": {8333},
    "agents": {17020},
    "exporters": {17000},
    "receiver": {17010},
    "artifacts": {17011},
    "logs": {17012},
    "page": {17080},
    "prometheus": {9090},
    "alertmanager": {9093},
    "grafana": {3000},
}
"""Every port that a service listens on; Docker's own resolver listens on 127.0.0.11 besides."""

ASK_FOR_BACKFILL = """
git clone --quiet /brain/brain.git /tmp/clone && cd /tmp/clone
sed -i 's/backfill: by_hand/backfill: at_start/' config/monitoring.yaml
git -c user.name=operator -c user.email=operator@example.invalid commit --quiet --all --message='Backfill at start'
git push --quiet origin HEAD:main
"""


def test_all_services_are_healthy_and_every_target_is_up(stack: DockerStack) -> None:
    states = {name: container["State"] for name, container in stack.containers().items()}
    assert {states.pop(name)["ExitCode"] for name in ONCE} == {0}
    lasting = (*LISTENING, "backfill-blocks")
    assert {name: state["Health"]["Status"] for name, state in states.items()} == dict.fromkeys(lasting, "healthy")
    jobs = yaml.safe_load((ROOT / "provisioning/prometheus/prometheus.yml").read_text())["scrape_configs"]

    def up() -> bool:
        targets = stack.get("prometheus", "/api/v1/targets")["data"]["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in targets} == {
            job["job_name"]: "up" for job in jobs
        }

    until(up, 60)
    groups = stack.get("prometheus", "/api/v1/rules")["data"]["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"] if rule.get("lastError")] == []
    assert sum(len(group["rules"]) for group in groups) > 50


def test_the_demo_has_a_past_from_before_it_was_started(stack: DockerStack) -> None:
    query = quote('sum(increase(nervesys_log_records_total{job="history"}[30d] offset 1d))')
    (records,) = stack.get("prometheus", f"/api/v1/query?query={query}")["data"]["result"]
    assert float(records["value"][1]) > 1000
    assert any(
        action["state"] == "recovered" for action in stack.get("receiver", "/actions?action=restart_agent")["actions"]
    )


def test_an_archive_is_backfilled_once_the_brain_asks_for_it(stack: DockerStack) -> None:
    assert "nothing to do" in stack.compose("logs", "backfill")
    stack.operator(ASK_FOR_BACKFILL)
    stack.compose("up", "--detach", "--no-deps", "--force-recreate", "backfill")
    until(lambda: "converted:" in stack.compose("logs", "backfill"), 120)


def test_a_killed_agent_recovers_and_the_commands_in_the_container_show_it(stack: DockerStack) -> None:
    until(lambda: all(agent["heartbeat_age_seconds"] is not None for agent in status(stack)["agents"]))
    shown = status(stack)
    assert {service["state"] for service in shown["services"]} == {"running"}
    sources = load(profile="local,compose").settings.sources
    assert {source["name"]: source["problem"] for source in shown["sources"]} == dict.fromkeys(sources)
    urls = {service["name"]: service["url"] for service in shown["services"]}
    assert urls["grafana"] == f"http://127.0.0.1:{stack.ports['grafana']}/"
    printed = stack.inside("agents", "nervesys", "demo", "heal", "grok")
    assert "grok has recovered" in printed, printed
    recovered = re.search(r"(\d+) s  restart: recovered", printed)
    assert recovered, printed
    stack.seconds["killed -> recovered"] = float(recovered[1])
    assert stack.restarts("grok")[0]["attempts"] == 1


def test_the_store_refuses_whoever_has_no_key(stack: DockerStack) -> None:
    known = stack.operator("cat /secrets/store/store_access_key")
    argv = (
        "run",
        "--rm",
        f"--network={PROJECT}_default",
        "--entrypoint=python",
        OURS,
        "-c",
        probe("without_keys"),
        known,
    )
    statuses = stack.engine.docker(*argv).split()
    assert len(statuses) == 15
    assert set(statuses) <= {"400", "403"}, "400: a body that nobody signed"


def test_services_listen_where_the_table_says_and_only_loopback_is_published(stack: DockerStack) -> None:
    containers = stack.containers()
    listening = {name: ports(stack, name) for name in LISTENING}
    assert listening == LISTENING
    published = {
        name: {
            binding["HostIp"]
            for bindings in container["NetworkSettings"]["Ports"].values()
            for binding in bindings or ()
        }
        for name, container in containers.items()
    }
    assert {name: hosts for name, hosts in published.items() if hosts} == {name: {"127.0.0.1"} for name in PUBLISHED}


def test_no_secret_shows_in_inspect_history_logs_arguments_or_environment(stack: DockerStack) -> None:
    found = stack.operator("cd /secrets; for file in */*; do echo $(cat $file); done")
    secrets = set(re.findall(r"\b[0-9a-f]{40}\b", found))
    assert len(secrets) > 10
    containers = stack.containers()
    texts = {
        "inspect": json.dumps(containers),
        "images": stack.engine.docker("inspect", OURS, STORE),
        "history": stack.engine.docker("history", "--no-trunc", OURS)
        + stack.engine.docker("history", "--no-trunc", STORE),
        "logs": stack.compose("logs"),
    }
    for name in LISTENING:
        texts[f"arguments of {name}"] = stack.engine.docker("top", containers[name]["Id"], "-eo", "pid,args")
        if name != "s3":  # rclone takes keys from its environment or its arguments only
            texts[f"environment of {name}"] = stack.inside(
                name, "sh", "-c", "cat /proc/[0-9]*/environ 2> /dev/null; true"
            )
    assert {name for name, text in texts.items() if any(secret in text for secret in secrets)} == set()


def test_every_service_runs_as_a_plain_user_without_capabilities_on_a_read_only_root(stack: DockerStack) -> None:
    for name, container in stack.containers().items():
        host = container["HostConfig"]
        assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False), name
        assert host["Memory"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert host["LogConfig"]["Config"]["max-size"], name
    for name in LISTENING:
        lines = stack.inside(name, "cat", "/proc/1/status").splitlines()
        process = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert int(process["CapEff"], 16) == int(process["CapBnd"], 16) == 0, name
        assert process["NoNewPrivs"] == "1", name
        assert "0" not in process["Uid"].split(), name
        assert stack.try_compose("exec", "-T", name, "sh", "-c", "echo > /usr/written").returncode, name


def test_an_agent_cannot_push_to_the_branch_of_configuration(stack: DockerStack) -> None:
    script = """
    git clone --quiet /brain/brain.git /tmp/clone && cd /tmp/clone
    git -c user.name=grok -c user.email=grok@example.invalid commit --quiet --allow-empty --message=change
    git push --quiet origin HEAD:main; echo $?; rm -rf /tmp/clone
    """
    argv = ("exec", "-T", "--env=NERVESYS_AGENT=grok", "agents", "sh", "-c", script)
    assert stack.compose(*argv).split()[-1] != "0"


def test_everything_that_is_imported_was_compiled_when_the_image_was_made(stack: DockerStack) -> None:
    assert stack.inside("agents", "python", "-c", probe("compiled")).strip() == "[]"


def test_the_image_is_small_and_names_what_is_in_it(stack: DockerStack) -> None:
    image = json.loads(stack.engine.docker("inspect", OURS))[0]
    stack.seconds["image, MB"] = image["Size"] / 1e6
    assert image["Size"] <= 350e6
    labels = image["Config"]["Labels"]
    assert {f"org.opencontainers.image.{key}" for key in ("title", "version", "licenses", "base.name")} <= labels.keys()
    installed = set(stack.inside("agents", "python", "-c", probe("installed")).split()) - {"nervesys-observability"}
    bill = json.loads(stack.inside("agents", "cat", "/usr/share/sbom/nervesys-observability.cdx.json"))
    listed = {component["purl"].partition("@")[0].removeprefix("pkg:pypi/") for component in bill["components"]}
    assert installed - {name.replace(".", "-") for name in listed} == set()


def status(stack: DockerStack) -> dict[str, list[dict[str, object]]]:
    """`nervesys status --json` in the agents' container."""
    shown = stack.try_compose("exec", "-T", "agents", "nervesys", "status", "--json").stdout
    return dict(json.loads(shown))


def ports(stack: DockerStack, service: str) -> set[int]:
    """Ports that a container listens on, beyond Docker's resolver."""
    lines = stack.inside(service, "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6").splitlines()
    sockets = [line.split()[1:4] for line in lines if not line.lstrip().startswith("sl")]
    return {
        int(local.partition(":")[2], 16)
        for local, _, state in sockets
        if state == "0A" and not local.startswith("0B00007F")  # 127.0.0.11
    }


def probe(name: str) -> str:
    """A script that runs in a container."""
    return (PROBES / f"{name}.py").read_text()
