"""Drivers that call an HTTP API: exactly what they ask for, by the contract that the API documents.

Neither a Docker engine nor a cluster runs where these tests do: small servers answer as theirs do.

Covers: alerting.drivers.docker, alerting.drivers.kubernetes.
"""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml

from alerting.drivers.kubernetes import ANNOTATION
from alerting.drivers.outcome import Cause, Done, Failed, Retry
from tests.alerting.drivers.kit import answering, kubeconfig, made, order, service_account

ROOT = Path(__file__).parents[3]


def test_docker_is_asked_for_a_restart_and_for_nothing_else() -> None:
    with answering(204) as (url, asked):
        assert made("docker", url=url, stop_seconds=3).restart(order("fleet-grok-1")) == Done("restarted")
    assert asked == [("POST /containers/fleet-grok-1/restart?t=3", b"")]


def test_docker_is_reached_through_a_unix_socket(tmp_path: Path) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(204)
            self.end_headers()

        def address_string(self) -> str:
            return "a socket"

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.UnixStreamServer(str(tmp_path / "d.sock"), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert made("docker", url=f"unix://{tmp_path}/d.sock").restart(order()) == Done("restarted")
        thread.join()


def test_no_name_leads_docker_to_another_path() -> None:
    with answering(404, b'{"message": "No such container"}') as (url, asked):
        made("docker", url=url).restart(order("../../images/prune?x="))
    assert asked == [("POST /containers/..%2F..%2Fimages%2Fprune%3Fx%3D/restart?t=10", b"")]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        pytest.param(500, b'{"message": "driver failed"}', "HTTP 500 driver failed", id="Docker's message is kept"),
        pytest.param(502, b"<html>", "HTTP 502", id="a proxy in between"),
        pytest.param(500, b'["odd"]', "HTTP 500", id="JSON of another kind"),
        pytest.param(500, b'{"message": "' + b"x" * 100_000, "HTTP 500", id="an endless answer"),
    ],
)
def test_what_docker_could_not_do_is_tried_again(status: int, body: bytes, words: str) -> None:
    with answering(status, body) as (url, _):
        outcome = made("docker", url=url).restart(order())
    assert isinstance(outcome, Retry)
    assert (outcome.cause, outcome.detail) == (Cause.REFUSED, f"restart container grok at {url}: {words}")


@pytest.mark.parametrize("name", ["docker", "kubernetes", "pod", "supervisor"])
def test_a_server_that_is_not_there_is_unreachable(name: str, tmp_path: Path) -> None:
    with answering(204) as (url, _):
        pass
    where = {
        "kubernetes": {"namespace": "fleet", "kubeconfig": str(kubeconfig(tmp_path, url))},
        "pod": {"url": url, "credentials": str(service_account(tmp_path))},
    }.get(name, {"url": url})
    outcome = made(name, **where).restart(order())
    assert isinstance(outcome, Retry)
    assert outcome.cause is Cause.UNREACHABLE


def test_the_cluster_is_asked_as_kubectl_asks_it(tmp_path: Path) -> None:
    with answering(200, b"{}") as (url, asked):
        driver = made("kubernetes", namespace="fleet", kubeconfig=str(kubeconfig(tmp_path, url)))
        assert driver.restart(order("grok")) == Done("the cluster replaces its pods")
    ((request, body),) = asked
    assert request == "PATCH /apis/apps/v1/namespaces/fleet/deployments/grok"
    annotations = json.loads(body)["spec"]["template"]["metadata"]["annotations"]
    assert list(annotations) == [ANNOTATION]


def test_its_role_permits_that_and_nothing_else() -> None:
    parts = list(yaml.safe_load_all((ROOT / "provisioning/kubernetes/receiver.yaml").read_text()))
    (role,) = (part for part in parts if part["kind"] == "Role")
    assert role["rules"] == [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}]
    (binding,) = (part for part in parts if part["kind"] == "RoleBinding")
    (account,) = (part for part in parts if part["kind"] == "ServiceAccount")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [subject["name"] for subject in binding["subjects"]] == [account["metadata"]["name"]]
    assert len(parts) == 3


def test_a_pod_without_credentials_is_not_allowed() -> None:
    outcome = made("kubernetes", namespace="fleet").restart(order())
    assert isinstance(outcome, Failed)
    assert outcome.cause is Cause.NOT_ALLOWED
