"""A fleet in which all is well, made of real servers where that is cheap, for tests that plant a fault in it."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from alerting.generate.prometheus_config import prometheus_config
from alerting.model import read_alerts
from alerting.receiver import metrics
from alerting.scrape_targets import jobs
from nervesys.clock import system_clock
from nervesys.contract import AgentState, Status, format_time
from nervesys.settings import FolderTree, load, shipped_root
from nervesys.stores.s3 import S3Store
from tests.alerting.drivers.supervisord import Supervisord
from tests.brains import write
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, free_port, settings_of

TOKEN = "a-token-that-no-line-may-hold"
HOOK = '#!/bin/sh\n[ "$1" != refs/heads/main ] || { echo "main is protected"; exit 1; }\n'
STATE = "db/agents/grok_state.json"
Pages = dict[str, tuple[int, str]]


@contextmanager
def serving(pages: Pages) -> Iterator[str]:
    """A server of fixed pages by path without query; yields `HOST:PORT`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = pages.get(self.path.partition("?")[0], (404, "no such page"))
            self.rfile.read(int(self.headers["content-length"] or 0))
            self.send_response(status)
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def prometheus_page(data: object) -> tuple[int, str]:
    """A success of Prometheus' API."""
    return 200, json.dumps({"status": "success", "data": data})


@dataclass
class World:
    """The fleet; a fault is planted by changing it.

    Attributes:
        folder: holds home, brain and archive.
        environ: environment variables of the doctor.
        prometheus: pages of Prometheus; likewise `alertmanager`, `receiver`, and `other` for any further server.
        brain: files of the brain's `main`; `commit` writes them.
        argv: further arguments.
    """

    folder: Path
    environ: dict[str, str]
    supervisord: Supervisord
    prometheus: Pages = field(default_factory=dict)
    alertmanager: Pages = field(default_factory=dict)
    receiver: Pages = field(default_factory=dict)
    other: Pages = field(default_factory=dict)
    brain: dict[str, Any] = field(default_factory=dict)
    argv: tuple[str, ...] = ()
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def store(self) -> S3Store:
        return S3Store(settings_of(self.environ["STORJ_ENDPOINT"]))

    @property
    def repository(self) -> Path:
        return self.folder / "brain.git"

    def secret(self, name: str, body: bytes, mode: int = 0o600) -> Path:
        """Write a file of secrets."""
        path = self.home / "secrets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        path.chmod(mode)
        return path

    def hook(self, text: str) -> None:
        """Replace the hook that protects `main`; empty for none."""
        hook = self.repository / "hooks/update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(text or "#!/bin/sh\n")
        hook.chmod(0o755)

    def commit(self) -> None:
        """Commit the brain's files."""
        files = {f"config/{name}": yaml.safe_dump(content).encode() for name, content in self.brain.items()}
        write(self.repository, files)

    def local_file(self, **changes: Any) -> None:
        """Write the receiver's local file."""
        supervisor = {"url": self.supervisord.unix_url, "servers": ["alpha"]}
        (self.home / "receiver.yaml").write_text(yaml.safe_dump({"drivers": {"supervisor": supervisor}, **changes}))

    def heartbeat(self, **changes: Any) -> None:
        """Write the agent's state."""
        now = format_time(system_clock())
        state = {"agent_id": "grok", "timestamp": now, "status": Status.RUNNING, "server": "alpha", **changes}
        self.store.put(STATE, AgentState.model_validate({"instance_id": "i", "started_at": now, **state}).body())

    def load_alertmanager(self, config: Any) -> None:
        """Let Alertmanager have this configuration."""
        page = {"versionInfo": {"version": "0.28.0"}, "config": {"original": yaml.safe_dump(config)}}
        self.alertmanager["/api/v2/status"] = (200, json.dumps(page))

    def loaded_config(self) -> dict[str, Any]:
        """Alertmanager's configuration, as it should be."""
        token = {"authorization": {"type": "Bearer", "credentials_file": str(self.home / "secrets/receiver_token")}}
        slack = {"api_url_file": str(self.home / "secrets/slack_url"), "channel": "#fleet"}
        return {
            "receivers": [
                {"name": "nobody"},
                {"name": "actions", "webhook_configs": [{"url": "http://r", "http_config": token}]},
                {"name": "deadman", "webhook_configs": [{"url": "http://r", "http_config": token}]},
                {"name": "slack", "slack_configs": [slack]},
            ]
        }


@contextmanager
def healthy(folder: Path, endpoint: str, supervisord: Supervisord) -> Iterator[World]:
    """A fleet of one agent in which all is well."""
    environ = {
        "NERVESYS_HOME": str(folder / "home"),
        "NERVESYS_BRAIN": str(folder / "brain.git"),
        "NERVESYS_ARCHIVE": (folder / "archive").as_uri(),
        "STORJ_ENDPOINT": endpoint,
        "STORJ_ACCESS_KEY": ACCESS_KEY,
        "STORJ_SECRET_KEY": SECRET_KEY,
    }
    world = World(folder, environ, supervisord)
    with ExitStack() as servers:
        listen = {
            name: servers.enter_context(serving(getattr(world, name)))
            for name in ("prometheus", "alertmanager", "receiver")
        }
        world.addresses = {**listen, "other": servers.enter_context(serving(world.other))}
        monitoring = yaml.safe_load((shipped_root() / "config/monitoring.yaml").read_text())
        monitoring["listen"] |= listen
        slack = {"type": "slack", "channel": "#fleet", "enabled": True}
        world.brain = {
            "monitoring.yaml": monitoring,
            "alerts.yaml": {"channels": {"slack": slack}},
            "agents/grok.yaml": {"agent": {"name": "grok"}},
        }
        (folder / "archive").mkdir()
        world.secret("receiver_token", TOKEN.encode())
        world.secret("slack_url", b"https://hooks.slack.com/services/a-path-that-no-line-may-hold")
        world.commit()
        write(world.repository, {"status/grok.json": b"{}"}, branch="state")
        world.hook(HOOK)
        world.local_file()
        world.heartbeat()
        world.load_alertmanager(world.loaded_config())
        _fill(world)
        yield world


def _fill(world: World) -> None:
    settings = load(environ=world.environ).settings
    alerts = read_alerts(FolderTree(shipped_root()))[0].alerts
    targets = [{"labels": {"job": job}, "health": "up", "lastError": ""} for job in jobs(settings)]
    loaded = yaml.safe_dump(prometheus_config(settings, Path("/secrets")))
    rules = [{"name": alert.alertname, "health": "ok"} for alert in alerts if not alert.posted]
    world.prometheus |= {
        "/api/v1/status/buildinfo": prometheus_page({"version": "3.1.0"}),
        "/api/v1/status/runtimeinfo": prometheus_page({"storageRetention": "30d"}),
        "/api/v1/status/config": prometheus_page({"yaml": loaded}),
        "/api/v1/targets": prometheus_page({"activeTargets": targets}),
        "/api/v1/rules": prometheus_page({"groups": [{"rules": rules}]}),
    }
    received = f'{metrics.LAST_RECEIVED.full_name}{{sender="alertmanager"}} {system_clock()}\n'
    world.receiver |= {
        "/-/ready": (200, "ready\n"),
        "/actions": (200, json.dumps({"actions": []})),
        "/metrics": (200, received),
    }


def away() -> str:
    """An address at which nobody listens."""
    return f"127.0.0.1:{free_port()}"
