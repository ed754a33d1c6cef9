"""Driver `pod` against a small server that answers as the API of a cluster does, with and without TLS."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from alerting.drivers import Drivers
from alerting.drivers.outcome import Cause, Done, Failed, Retry
from tests.alerting.drivers.kit import SECRET, answering, made, order, service_account
from tests.servers.certificates import certify


def test_only_the_pod_of_the_agent_is_deleted(tmp_path: Path) -> None:
    account = str(service_account(tmp_path))
    with answering(200, b"{}") as (url, asked):
        driver = made("pod", url=url, credentials=account, pods={"grok": "agents-3"})
        assert driver.inspect(order("grok")) == Done("the cluster accepts a restart")
        assert driver.restart(order("grok")) == Done("the cluster replaces the pod")
        assert driver.restart(order("agents-4")) == Done("the cluster replaces the pod")
    assert [request for request, _ in asked] == [
        "DELETE /api/v1/namespaces/fleet/pods/agents-3?dryRun=All",
        "DELETE /api/v1/namespaces/fleet/pods/agents-3",
        "DELETE /api/v1/namespaces/fleet/pods/agents-4",
    ]


def test_no_name_leads_to_another_path(tmp_path: Path) -> None:
    with answering(404) as (url, asked):
        made("pod", url=url, credentials=str(service_account(tmp_path))).restart(order("../nodes/a?x="))
    assert asked == [("DELETE /api/v1/namespaces/fleet/pods/..%2Fnodes%2Fa%3Fx%3D", b"")]


def test_the_token_is_read_for_each_request_and_the_certificate_is_checked(tmp_path: Path) -> None:
    """The cluster replaces the token every hour."""
    tokens, account = [], service_account(tmp_path)
    certify(account / "ca.crt", tmp_path / "key.pem")

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            tokens.append(self.headers["authorization"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(account / "ca.crt", tmp_path / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        driver = made("pod", url=f"https://127.0.0.1:{server.server_port}", credentials=str(account))
        try:
            assert isinstance(driver.restart(order()), Done)
            (account / "token").write_text("another")
            assert isinstance(driver.restart(order()), Done)
            certify(account / "ca.crt", tmp_path / "other.pem")
            refused = driver.restart(order())
        finally:
            server.shutdown()
            thread.join()
    assert tokens == [f"Bearer {SECRET}", "Bearer another"]
    assert isinstance(refused, Retry)
    assert refused.detail == "restart pod grok: the TLS certificate is not trusted"


def test_a_receiver_without_a_service_account_is_not_allowed(tmp_path: Path) -> None:
    outcome = made("pod", credentials=str(tmp_path)).restart(order())
    assert isinstance(outcome, Failed)
    assert outcome.cause is Cause.NOT_ALLOWED
    assert "serviceAccountName" in outcome.detail


def test_a_cluster_that_is_upgraded_is_called_again(tmp_path: Path) -> None:
    with answering(503) as (url, _):
        outcome = made("pod", url=url, credentials=str(service_account(tmp_path))).restart(order())
    assert outcome == Retry(Cause.REFUSED, "restart pod grok: HTTP 503 Service Unavailable")


def test_the_name_of_a_pod_is_checked_when_the_file_is_read() -> None:
    section = {"pods": {"grok": "Agents_3"}, "servers": ["*"]}
    try:
        Drivers.model_validate({"pod": section})
    except ValueError as err:
        assert "must be a pod's name" in str(err)
    else:
        raise AssertionError
