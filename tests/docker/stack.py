"""The stack of docker-compose.yml on an engine, as it stands: only the variables that it offers are set."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.docker.engine import Engine
from tests.servers.s3 import free_port
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PROJECT = "nervesys-test"
PUBLISHED = {"grafana": 3000, "prometheus": 9090, "alertmanager": 9093, "receiver": 17010, "page": 17080}
HEALTHY_SECONDS = 300

ONCE = ("init", "history", "backfill")
"""Services that end."""


@dataclass
class DockerStack:
    """One project of the compose file, with free ports.

    Attributes:
        seconds: what was measured, by name.
        files: of the project, such as an override; none for docker-compose.yml alone.
    """

    engine: Engine
    ports: Mapping[str, int] = field(default_factory=lambda: {name: free_port() for name in PUBLISHED})
    seconds: dict[str, float] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    def compose(self, *argv: str, stdin: bytes | None = None, **environ: str) -> str:
        """Run `docker compose` and return what it prints.

        Raises:
            AssertionError: it fails; with its errors.
        """
        ran = self.try_compose(*argv, stdin=stdin, **environ)
        assert ran.returncode == 0, f"docker compose {' '.join(argv)}: {ran.stderr.decode()[-4000:]}"
        return ran.stdout.decode()

    def try_compose(
        self, *argv: str, stdin: bytes | None = None, **environ: str
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run `docker compose`, whatever comes of it."""
        variables = {f"NERVESYS_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        files = [f"--file={ROOT / name}" for name in self.files]
        project = (f"--project-directory={ROOT}", f"--project-name={PROJECT}", *files)
        command = ("compose", "--progress=quiet", *project, *argv)
        return self.engine.run(*command, stdin=stdin, environ={**variables, **environ})

    def up(self, name: str) -> None:
        """Start all services and wait until they are healthy; measured under a name."""
        began = time.monotonic()
        self.compose("up", "--detach", "--wait", f"--wait-timeout={HEALTHY_SECONDS}")
        self.seconds[name] = time.monotonic() - began

    def inside(self, service: str, *argv: str) -> str:
        """Run a command in a running service."""
        return self.compose("exec", "-T", service, *argv)

    def operator(self, script: str, stdin: bytes | None = None) -> str:
        """Run a shell script where the operator does: in a container of `init`, with all volumes."""
        return self.compose("run", "--rm", "-T", "--no-deps", "--entrypoint", "sh", "init", "-ec", script, stdin=stdin)

    def containers(self) -> dict[str, dict[str, Any]]:
        """`docker inspect` of each container of the project, by service."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found = json.loads(self.engine.docker("inspect", *ids))
        return {container["Config"]["Labels"]["com.docker.compose.service"]: container for container in found}

    def get(self, service: str, path: str) -> Any:
        """JSON from a published port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}{path}", timeout=30) as response:
            return json.load(response)

    def restarts(self, agent: str) -> list[dict[str, Any]]:
        """The receiver's restarts of an agent, newest first."""
        actions = self.get("receiver", f"/actions?agent={agent}&action=restart_agent")["actions"]
        return [action for action in actions if not action["test"]]

    def wait_for_restart(self, agent: str, state: str, seconds: float = 180) -> dict[str, Any]:
        """Wait until the newest restart of an agent has a state."""
        until(lambda: [action for action in self.restarts(agent)[:1] if action["state"] == state], seconds)
        return self.restarts(agent)[0]

    def wait_until_healthy(self) -> None:
        """Wait until every service that keeps running is healthy."""

        def healthy() -> bool:
            states = [container["State"] for name, container in self.containers().items() if name not in ONCE]
            return all(state.get("Health", {}).get("Status") == "healthy" for state in states)

        until(healthy, HEALTHY_SECONDS)
