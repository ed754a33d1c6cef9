"""What operators do with a running stack: upgrades, restarts, agents in containers of their own."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.docker.images import OURS, prepare_proxy
from tests.docker.stack import PROJECT, ROOT, DockerStack
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]

AGENT_IMAGE = "nervesys-agent:test"
LONE = f"{PROJECT}-lone"
SERVER = "docker-host"
KEPT = """
for file in /secrets/*/*; do echo $file $(sha256sum < $file); done
git -C /brain/brain.git rev-parse main
"""
ADD_AGENT = """
git clone --quiet /brain/brain.git /tmp/clone && cd /tmp/clone && cat > config/agents/lone.yaml
git add . && git -c user.name=operator -c user.email=operator@example.invalid commit --quiet --message='Add an agent'
git push --quiet origin HEAD:main
"""
LONE_AGENT = {
    "agent": {"name": "lone", "model": "none", "role": "demo", "restart": {"driver": "docker", "target": LONE}},
}


def kept(stack: DockerStack) -> str:
    """All that is the operator's: keys, receiver.yaml, the configuration in the brain."""
    return stack.operator(KEPT)


@pytest.fixture
def edited(stack: DockerStack) -> str:
    """What is kept, after the operator changed the receiver's file."""
    stack.operator("echo '# mine' >> /secrets/receiver/receiver.yaml")
    return kept(stack)


def test_a_second_up_changes_nothing(stack: DockerStack, edited: str) -> None:
    before = {name: container["Id"] for name, container in stack.containers().items()}
    stack.up("second up")
    assert {name: container["Id"] for name, container in stack.containers().items()} == before
    assert kept(stack) == edited


def test_down_and_up_keep_all_that_is_the_operators(stack: DockerStack, edited: str) -> None:
    began = time.monotonic()
    stack.compose("down")
    stack.seconds["down"] = time.monotonic() - began
    stack.up("up again -> all healthy")
    assert kept(stack) == edited


def test_all_agents_stop_together_and_ship_before_they_end(stack: DockerStack) -> None:
    began = time.monotonic()
    stack.compose("stop", "agents")
    stack.seconds["agents stopped"] = time.monotonic() - began
    state = stack.containers()["agents"]["State"]
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False), "137: killed"
    stack.compose("up", "--detach", "--wait", "agents")


def test_a_receiver_that_is_restarted_in_mid_episode_calls_no_driver_twice(stack: DockerStack) -> None:
    before = {action["id"] for action in stack.restarts("deepseek")}
    stack.inside("agents", "nervesys", "demo", "kill", "deepseek")
    until(lambda: {action["id"] for action in stack.restarts("deepseek")} - before, 180)
    stack.compose("restart", "receiver")
    stack.wait_until_healthy()
    assert stack.wait_for_restart("deepseek", "recovered")["attempts"] == 1


def test_a_changed_line_of_ours_does_not_install_the_dependencies_again(stack: DockerStack, tmp_path: Path) -> None:
    def layers(image: str) -> list[str]:
        found: list[str] = json.loads(stack.engine.docker("inspect", image))[0]["RootFS"]["Layers"]
        return found

    for name in re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE):
        source, copy = ROOT / name, tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    shutil.copy(ROOT / "Dockerfile", tmp_path)
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    with (tmp_path / "nervesys/clock.py").open("a") as file:
        file.write("# changed\n")
    began = time.monotonic()
    stack.engine.docker("build", "--quiet", "--tag=nervesys-changed:test", str(tmp_path))
    stack.seconds["build after one line"] = time.monotonic() - began
    before, after = layers(OURS), layers("nervesys-changed:test")
    assert [i for i, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [len(before) - 2]


def test_the_image_of_agents_alone_is_small_and_runs_agents(stack: DockerStack) -> None:
    argv = ("build", "--quiet", "--tag", AGENT_IMAGE, "--build-arg=LOCK=requirements-agent.lock", str(ROOT))
    stack.engine.docker(*argv)
    size = json.loads(stack.engine.docker("inspect", AGENT_IMAGE))[0]["Size"]
    stack.seconds["image of agents, MB"] = size / 1e6
    assert size <= 150e6
    assert "Usage: nervesys agent run" in stack.engine.docker(
        "run", "--rm", "--read-only", AGENT_IMAGE, *["agent", "run", "--help"]
    )


@pytest.fixture
def lone(stack: DockerStack) -> Iterator[Callable[[], str]]:
    """An agent in a container of its own, which the receiver restarts through the proxy."""
    prepare_proxy(stack.engine)
    host = stack.engine.environment.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    stack.operator(ADD_AGENT, stdin=yaml.safe_dump(LONE_AGENT).encode())
    drivers = yaml.safe_load(stack.operator("cat /secrets/receiver/receiver.yaml"))
    drivers["drivers"]["docker"] = {"url": "http://docker-proxy:2375", "servers": [SERVER], "stop_seconds": 5}
    stack.operator("cat > /secrets/receiver/receiver.yaml", stdin=yaml.safe_dump(drivers).encode())
    stack.compose(
        *("--profile=docker", "up", "--detach", "--wait", "docker-proxy"), DOCKER_SOCKET=host, DOCKER_GROUP_ID="0"
    )
    stack.compose("restart", "receiver")
    stack.wait_until_healthy()
    volumes = {"brain": "/brain", "archive": "/archive", "agents-store-keys": "/secrets/store:ro"}
    mounts = [f"--volume={PROJECT}_{name}:{target}" for name, target in volumes.items()]
    variables = {
        "NERVESYS_PROFILE": "local,compose",
        "NERVESYS_BRAIN": "file:///brain/brain.git",
        "NERVESYS_SERVER": SERVER,
        "STORJ_ACCESS_KEY_FILE": "/secrets/store/store_access_key",
        "STORJ_SECRET_KEY_FILE": "/secrets/store/store_secret_key",
    }
    environment = [f"--env={name}={value}" for name, value in variables.items()]
    argv = ("run", "--detach", f"--name={LONE}", f"--network={PROJECT}_default", *mounts, *environment)
    stack.engine.docker(*argv, OURS, "agent", "run", "lone")
    until(lambda: seen(stack), 120)
    yield lambda: stack.engine.docker("inspect", "--format={{.State.StartedAt}}", LONE)
    stack.engine.run("rm", "--force", LONE)


def new_restarts(stack: DockerStack, before: set[str]) -> set[str]:
    """Restarts of the lone agent beyond those that are known."""
    return {action["id"] for action in stack.restarts("lone")} - before


def seen(stack: DockerStack) -> bool:
    """Whether Prometheus has a heartbeat of the lone agent."""
    path = "/api/v1/query?query=nervesys_agent_heartbeat_timestamp_seconds%7Bagent%3D%22lone%22%7D"
    return bool(stack.get("prometheus", path)["data"]["result"])


def test_the_driver_of_docker_restarts_a_real_container_and_gives_up_one_that_is_gone(
    stack: DockerStack, lone: Callable[[], str]
) -> None:
    for fault in ("kill", "pause"):
        started, before = lone(), {action["id"] for action in stack.restarts("lone")}
        began = time.monotonic()
        stack.engine.docker(fault, LONE)
        until(partial(new_restarts, stack, before), 180)
        action = stack.wait_for_restart("lone", "recovered")
        stack.seconds[f"docker driver: {fault} -> recovered"] = time.monotonic() - began
        assert action["attempts"] == 1
        assert lone() != started
        time.sleep(15)  # the cool-down of the demo is 10 s
    stack.engine.docker("rm", "--force", LONE)
    assert (
        "404" in str(stack.wait_for_restart("lone", "escalated")) or stack.restarts("lone")[0]["state"] == "escalated"
    )


def test_everything_returns_after_the_engine_was_restarted(stack: DockerStack) -> None:
    if not stack.engine.own:
        pytest.skip("the engine is somebody else's, and is not restarted")
    edited = kept(stack)
    stack.engine.stop()
    began = time.monotonic()
    stack.engine.start()
    stack.wait_until_healthy()
    stack.seconds["engine restarted -> all healthy"] = time.monotonic() - began
    assert kept(stack) == edited
