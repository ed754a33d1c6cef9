"""A cluster of two Alertmanagers, each of which notifies two receivers that share a journal: one call an attempt."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
import yaml

from alerting.generate.routes import ACTIONS, alertmanager_config
from nervesys.settings import Settings, load
from nervesys.stack.alertmanager import arguments
from tests.alerting.compilers import compiler_of
from tests.alerting.receiver import kills
from tests.alerting.receiver.running import eventually, forked, free_address, until_ready
from tests.alerting.receiver.scene import Scene, scene
from tests.alerting.receiver.simulation import shipped_alerts
from tests.servers.alertmanager import HASTY, alertmanager
from tests.servers.fixtures import rclone_endpoint

__all__ = ["rclone_endpoint", "scene"]

SETTINGS = load(profile="local").settings


class Prometheus(threading.Thread):
    """Tells every Alertmanager again and again that all agents are down, though they are not always."""

    def __init__(self, alertmanagers: Sequence[str], agents: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self._to, self._agents = alertmanagers, agents

    def run(self) -> None:
        alerts = [
            {"labels": {"alertname": "AgentDown", "severity": "critical", "agent": agent}} for agent in self._agents
        ]
        while not self.over.wait(0.5):
            for address in self._to:
                try:
                    requests.post(f"http://{address}/api/v2/alerts", json=alerts, timeout=5)
                except requests.ConnectionError:
                    continue  # it was killed; the other is notified


def several(receivers: Sequence[str], alertmanagers: Sequence[str]) -> Settings:
    """Settings with these receivers and Alertmanagers."""
    monitoring = SETTINGS.monitoring
    listen = monitoring.listen.model_copy(update={"receiver": receivers[0], "alertmanager": alertmanagers[0]})
    peers = monitoring.alertmanager.model_copy(update={"peers": tuple(alertmanagers[1:])})
    changed = {"listen": listen, "receiver_peers": tuple(receivers[1:]), "alertmanager": peers}
    return SETTINGS.model_copy(update={"monitoring": monitoring.model_copy(update=changed)})


def configured(scene: Scene, folder: Path, settings: Settings) -> Path:
    """Our routes, with repeats so fast that both Alertmanagers often send the same."""
    config = alertmanager_config(compiler_of(settings), shipped_alerts(), scene.home / "secrets")
    (acting,) = (route for route in config["route"]["routes"] if route["receiver"] == ACTIONS)
    acting |= {"group_interval": "1s", "repeat_interval": "1s"}
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    return file


@pytest.fixture
def receivers(scene: Scene) -> Iterator[list[str]]:
    """The addresses of two that are ready."""
    addresses = [free_address(), free_address()]
    with ExitStack() as both:
        for address in addresses:
            both.enter_context(forked(scene.home, address, scene.env))
        for address in addresses:
            until_ready(address)
        yield addresses


def received_alerts(receiver: str) -> float:
    """How many alerts a receiver received."""
    text = requests.get(f"http://{receiver}/metrics", timeout=5).text
    name = 'nervesys_alerts_received_total{sender="alertmanager",status="firing"} '
    return next(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))


def test_one_driver_call_an_attempt_also_when_one_alertmanager_is_killed(
    scene: Scene, receivers: list[str], program: Callable[[str], str], tmp_path: Path
) -> None:
    hosts, gossip = ("127.0.0.1", "127.0.0.2"), free_address().rpartition(":")[2]
    apis = [f"{host}:{free_address().rpartition(':')[2]}" for host in hosts]
    settings = several(receivers, apis)
    config = str(configured(scene, tmp_path, settings))
    prometheus = Prometheus(settings.monitoring.alertmanagers, scene.agents)
    with ExitStack() as both, scene.alive() as fleet:
        cluster = []
        for host, api in zip(hosts, apis, strict=True):
            own, place = tmp_path / host, {"listen": api, "gossip": f"{host}:{gossip}"}
            words = arguments(settings.monitoring, config=config, data=str(own / "data"), **place)
            both_sides = f"--cluster.advertise-address={host}:{gossip}"
            cluster.append(
                both.enter_context(alertmanager(program("alertmanager"), [*words, *HASTY, both_sides], own, api))
            )
        status = f"http://{apis[0]}/api/v2/status"
        eventually(lambda: len(requests.get(status, timeout=5).json()["cluster"]["peers"]) == len(cluster))
        prometheus.start()
        eventually(lambda: len(scene.calls()) > len(scene.agents))
        cluster[0].kill()
        killed_at = time.time()
        eventually(lambda: sum(at > killed_at for _, at in scene.calls()) >= len(scene.agents))
        fleet.immortal.set()
        prometheus.over.set()
        prometheus.join()
        eventually(lambda: not scene.open_rows())
        assert all(received_alerts(receiver) for receiver in receivers), "each Alertmanager notifies both"
    figures = kills.figures(scene, 0, set(), 0)
    assert figures.calls == figures.attempts
    assert figures.calls_an_attempt == 1
    received = scene.ask("SELECT count(*), sum(times) FROM alerts GROUP BY alertname, fingerprint, starts_at, status")
    assert {rows for rows, _ in received} == {1}, "each alert is journalled once"
    assert max(times for _, times in received) > 1, "however often it is received"
