"""For every driver, the ways in which its other side behaves; `test_every_driver` holds them all to the same rules.

Servers are real ones that answer as their documentation records; programs are scripts that behave as scripted.
"""

import json
import socket
import threading
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from alerting.drivers import Driver, Drivers, RestartRequest
from tests.servers.trickling import PHASES, trickling

SECRET = "open-sesame"  # known to every driver that has a secret, and to the receiver's environment
TIMEOUT_SECONDS = 0.5  # of the drivers whose other side hangs


class Situation(StrEnum):
    """How the other side behaves."""

    WORKS = "works"
    NOT_FOUND = "not found"
    NOT_ALLOWED = "not allowed"
    REFUSED = "refused"
    HANGS = "hangs"
    TRICKLES = "trickles"


def order(target: str = "grok") -> RestartRequest:
    return RestartRequest("grok", "alpha.example.org", target)


Answer = tuple[int, bytes]
Asked = list[tuple[str, bytes]]


@contextmanager
def answering(status: int, body: bytes | Callable[[bytes], bytes] = b"") -> Iterator[tuple[str, Asked]]:
    """A server that answers everything in one way; yields its URL, and what it was asked."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["content-length"] or 0))
            asked.append((f"{self.command} {self.path}", sent))
            answer = body(sent) if callable(body) else body
            self.send_response(status)
            self.send_header("content-type", "application/json")
            if status != 204:
                self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_PATCH(self) -> None:
            self.do_POST()

        def do_DELETE(self) -> None:
            self.do_POST()

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def script(folder: Path, name: str, text: str) -> Path:
    """A program that does what a shell script says."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


def made(name: str, **fields: Any) -> Driver:
    """A driver, as the receiver's local file would have it."""
    return Drivers.model_validate({name: {"servers": ["*"], **fields}}).configured()[name]


EXIT = {Situation.WORKS: 0, Situation.REFUSED: 1}


def _program(folder: Path, name: str, situation: Situation, exits: dict[Situation, int]) -> Path:
    if situation is Situation.HANGS:
        return script(folder, name, "echo before; exec sleep 600")
    if situation is Situation.TRICKLES:
        return script(folder, name, "while :; do echo more; sleep 0.02; done")
    return script(folder, name, f"env; exit {(EXIT | exits)[situation]}")


@contextmanager
def command(situation: Situation, folder: Path) -> Iterator[Driver]:
    program = _program(folder, "restart", situation, {Situation.NOT_FOUND: 127, Situation.NOT_ALLOWED: 77})
    argv = [str(program), "{agent}", "{server}", "{target}"]
    yield made("command", argv=argv, servers=["alpha.example.org"], timeout_seconds=TIMEOUT_SECONDS)


@contextmanager
def systemd(situation: Situation, folder: Path) -> Iterator[Driver]:
    """No systemd runs where these tests do: a program named systemctl stands in for it."""
    program = _program(folder, "systemctl", situation, {Situation.NOT_FOUND: 5, Situation.NOT_ALLOWED: 4})
    yield made("systemd", systemctl=str(program), timeout_seconds=TIMEOUT_SECONDS)


@contextmanager
def docker(situation: Situation, folder: Path) -> Iterator[Driver]:
    def driver(url: str) -> Driver:
        return made("docker", url=url, timeout_seconds=TIMEOUT_SECONDS, stop_seconds=0)

    status = {Situation.WORKS: 204, Situation.NOT_FOUND: 404, Situation.NOT_ALLOWED: 403}.get(situation, 500)
    yield from _server(situation, status, json.dumps({"message": "as Docker says it"}).encode(), driver)


@contextmanager
def kubernetes(situation: Situation, folder: Path) -> Iterator[Driver]:
    def driver(url: str) -> Driver:
        return made(
            "kubernetes", namespace="fleet", kubeconfig=str(kubeconfig(folder, url)), timeout_seconds=TIMEOUT_SECONDS
        )

    status = {Situation.WORKS: 200, Situation.NOT_FOUND: 404, Situation.NOT_ALLOWED: 403}.get(situation, 500)
    yield from _server(situation, status, json.dumps({"kind": "Status", "message": SECRET}).encode(), driver)


def kubeconfig(folder: Path, url: str) -> Path:
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "receiver", "user": {"token": SECRET}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "receiver"}}],
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(kubeconfig))
    return file


@contextmanager
def pod(situation: Situation, folder: Path) -> Iterator[Driver]:
    def driver(url: str) -> Driver:
        return made("pod", url=url, credentials=str(service_account(folder)), timeout_seconds=TIMEOUT_SECONDS)

    status = {Situation.WORKS: 200, Situation.NOT_FOUND: 404, Situation.NOT_ALLOWED: 403}.get(situation, 500)
    yield from _server(situation, status, json.dumps({"kind": "Status", "message": SECRET}).encode(), driver)


def service_account(folder: Path) -> Path:
    """The files of a service account, as each pod that has one sees them."""
    account = folder / "serviceaccount"
    account.mkdir(exist_ok=True)
    (account / "token").write_text(f"{SECRET}\n")
    (account / "namespace").write_text("fleet")
    return account


@contextmanager
def supervisor(situation: Situation, folder: Path) -> Iterator[Driver]:
    (folder / "password").write_text(SECRET)
    faults = {Situation.NOT_FOUND: "BAD_NAME", Situation.NOT_ALLOWED: "NOT_EXECUTABLE", Situation.REFUSED: "FAILED"}

    def driver(url: str) -> Driver:
        password = str(folder / "password")
        return made("supervisor", url=url, user="operator", password_file=password, timeout_seconds=TIMEOUT_SECONDS)

    def answer(asked: bytes) -> bytes:
        if situation in faults:
            return fault(faults[situation])
        _, method = xmlrpc.client.loads(asked)
        process = {"name": "grok", "statename": "STOPPED", "pid": 0, "start": 0, "description": ""}
        result: tuple[Any] = (process if method == "supervisor.getProcessInfo" else True,)
        return xmlrpc.client.dumps(result, methodresponse=True).encode()

    yield from _server(situation, 200, answer, driver)


def fault(name: str) -> bytes:
    return xmlrpc.client.dumps(xmlrpc.client.Fault(10, f"{name}: grok"), methodresponse=True).encode()


def _server(
    situation: Situation, status: int, body: bytes | Callable[[bytes], bytes], driver: Callable[[str], Driver]
) -> Iterator[Driver]:
    if situation is Situation.HANGS:
        with silent() as url:
            yield driver(url)
        return
    if situation is Situation.TRICKLES:
        with trickling(PHASES["headers"], b"1") as url:
            yield driver(url)
        return
    with answering(status, b"" if status == 204 else body) as (url, _):
        yield driver(url)


Bench = Callable[[Situation, Path], AbstractContextManager[Driver]]
BENCHES: dict[str, Bench] = {
    "command": command,
    "docker": docker,
    "kubernetes": kubernetes,
    "pod": pod,
    "supervisor": supervisor,
    "systemd": systemd,
}
