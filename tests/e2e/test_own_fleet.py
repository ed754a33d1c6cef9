"""The guide to a fleet of one's own, from nothing: its console blocks are run in order, as they are printed.

What differs from the page: the names of its example (store, repository, folders, sockets) are those of this test;
`pipx` finds the package installed; thresholds and ports come from a profile, because five minutes of silence are too
long for a test.

Covers: commands.init, commands.status, commands.up, nervesys.stack.new_brain, nervesys.stack.new_home.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from nervesys.stack.programs import find
from tests.conftest import FOREIGN, PROGRAMS
from tests.e2e.conftest import free_addresses
from tests.servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, rclone
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/your-own-fleet.md").read_text()
JOURNEY = PAGE.partition("## From nothing to the first restart")[2].partition("\n## ")[0]
AFTERWARDS = PAGE.partition("## When it does not work")[2]
MOST_COMMANDS = 8
AGENTS = {"web-1": ("ada",), "web-2": ("bob", "eve")}
PROGRAM_OF = {"ada": "ada.sh", "bob": "bob.py", "eve": "eve.pl"}
CODE = {
    "bob": '#!/usr/bin/env python3\nimport time\nwhile True:\n    print("bob works", flush=True)\n    time.sleep(1)\n',
    "eve": '#!/usr/bin/perl\n$| = 1;\nwhile (1) { print "eve works\\n"; sleep 1; }\n',
}
"""Programs in other languages than that of the page."""
EDITOR = """\
#!/bin/sh
for file in "$@"; do
  case "$file" in
    agent.env) sed -i 's/^STORJ_ACCESS_KEY=$/&{access}/; s/^STORJ_SECRET_KEY=$/&{secret}/' "$file" ;;
    */store_access_key) echo '{access}' > "$file" ;;
    */store_secret_key) echo '{secret}' > "$file" ;;
    */slack_url) echo '{slack}' > "$file" ;;
    *) exit 1 ;;
  esac
done
"""
"""Who types in the keys; like any editor it ends the last line."""
DOWN_AFTER = 8
"""Seconds; only because the test has no five minutes."""
HASTY: dict[str, Any] = {
    "thresholds": {"heartbeat": {"interval_seconds": 1, "down_after_seconds": DOWN_AFTER, "stopped_after_seconds": 60}},
    "monitoring": {
        "prometheus": {"scrape_interval_seconds": 1, "evaluation_interval_seconds": 1},
        "alertmanager": {"group_wait_seconds": 1, "group_interval_seconds": 2},
        "sources": {
            "store": {"refresh": {"agents": 1, "metrics": 1, "logs": 5, "sizes": 5}},
            "brain": {"refresh": {"brain": 2}},
        },
    },
}


def blocks(language: str, text: str = JOURNEY) -> list[str]:
    """The code blocks of the journey, or of another text, in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """The commands of a console block, without prompts; continued lines stay one command."""
    return [command.strip() for command in re.split(r"^\$ ", block, flags=re.MULTILINE) if command.strip()]


class Slack:
    """A mock of Slack's incoming webhooks."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                slack.messages += [f"{item['title']}\n{item['text']}" for item in message["attachments"]]
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_arguments: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/secret"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def about(self, agent: str, title: str) -> list[str]:
        """The messages on Agent Down of an agent."""
        return [
            message
            for message in self.messages
            if message.startswith(f"{title}: AgentDown") and f"Agent: {agent}\n" in message
        ]


class Journey:
    """The operator's machine, which is also web-1, and a folder for each server."""

    def __init__(self, folder: Path, endpoint: str, slack: Slack) -> None:
        self.folder, self.here, self.slack = folder, folder, slack
        self.typed = 0
        self.names = {
            "https://gateway.storjshare.io": endpoint,
            "my-bucket": BUCKET,
            "ssh://git@git.example.org/fleet.git": f"file://{folder / 'fleet.git'}",
            "10.0.0.2:9001": free_addresses(1)[0],
        }
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | {
            "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "EDITOR": "editor",
            "NERVESYS_PROFILE": "hasty",
            "PYTHONPATH": str(ROOT),
        }
        subprocess.run(["git", "init", "-q", "--bare", folder / "fleet.git"], check=True)
        (folder / "bin").mkdir()
        self._program("bin/pipx", '#!/bin/sh\n[ "$1" = install ] && nervesys --version\n')
        self._program("bin/nervesys", f'#!/bin/sh\nexec {sys.executable} -m nervesys "$@"\n')
        self._program("bin/editor", EDITOR.format(access=ACCESS_KEY, secret=SECRET_KEY, slack=slack.url))

    def type(self, command: str, server: str = "web-1") -> str:
        """Run a command of the page in a shell on a server; `cd` lasts."""
        ran = subprocess.run(
            ["bash", "-ec", self.localize(command, server)],
            cwd=self.here if server == "web-1" else self.folder / server,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
        if command.startswith("cd "):
            self.here = self.here / command.removeprefix("cd ")
        return ran.stdout

    def follow(self, block: str, *servers: str) -> None:
        """Run the commands of a console block, on each of some servers; each counts once."""
        for command in commands(block):
            self.typed += 1
            for server in servers or ("web-1",):
                self.type(command, server)

    def localize(self, text: str, server: str) -> str:
        """A text of the page with the names of this test."""
        for name, value in {**self.names, "/srv/agents": str(self.folder / server)}.items():
            # a socket is named on the operator's machine, too: that is web-1
            text = text.replace(name, value)
        return text

    def shorten(self) -> None:
        """Add the profile of this test to the new brain, and use programs that are there."""
        addresses = iter(free_addresses(20))
        shipped = yaml.safe_load((ROOT / "config/monitoring.yaml").read_text())
        monitoring = HASTY["monitoring"]
        sources = {
            name: {**monitoring["sources"].get(name, {}), "listen": next(addresses)} for name in shipped["sources"]
        }
        listen = dict(zip(shipped["listen"], addresses, strict=False))
        profile = {**HASTY, "monitoring": {**monitoring, "sources": sources, "listen": listen}}
        path = self.here / "brain/config/profiles/hasty.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(profile))
        git = ["git", "-C", str(self.here / "brain"), "-c", "user.name=o", "-c", "user.email=o@example.org"]
        subprocess.run([*git, "add", "config/profiles"], check=True)
        subprocess.run([*git, "commit", "-qm", "Shorten the thresholds"], check=True)
        (self.here / ".nervesys/programs").symlink_to(PROGRAMS)

    def set_up(self, server: str) -> None:
        """The folder of a server's agents, as the page describes it."""
        folder = self.folder / server
        folder.mkdir()
        shutil.copy(self.here / "agent.env", folder / ".env")
        [ada], [configuration] = blocks("sh"), blocks("ini")
        for name in AGENTS[server]:
            self._program(f"{server}/{PROGRAM_OF[name]}", CODE.get(name, ada))
        head, section, program = configuration.partition("[program:ada]")
        if server == "web-2":
            head = head.replace("web-1", server).replace("[unix_http_server]", "[inet_http_server]")
            head = head.replace("file=/srv/agents/supervisor.sock", f"port={self.names['10.0.0.2:9001']}")
            head = head.replace("unix:///srv/agents/supervisor.sock", f"http://{self.names['10.0.0.2:9001']}")
        programs = "\n".join(
            (section + program).replace("ada.sh", PROGRAM_OF[name]).replace("ada", name) for name in AGENTS[server]
        )
        (folder / "supervisord.conf").write_text(self.localize(head + programs, server))

    def _program(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def agents(self) -> dict[str, dict[str, Any]]:
        """The agents that `nervesys status` shows, by name."""
        found = subprocess.run(
            ["nervesys", "status", "--json"],
            cwd=self.here,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return {agent["name"]: agent for agent in json.loads(found.stdout)["agents"]}

    def stop(self) -> None:
        """Stop everything that was started."""
        for server in AGENTS:
            if (self.folder / server / "supervisord.pid").exists():
                self.type("supervisorctl -c /srv/agents/supervisord.conf shutdown", server)
        if (self.here / ".nervesys/stack.json").exists():
            self.type("nervesys down")


@pytest.fixture
def journey() -> Iterator[Journey]:
    """At the start: a store, an empty repository, a webhook. The folder's name is short, as sockets need it."""
    find("prometheus", PROGRAMS)  # downloaded once for all tests
    with tempfile.TemporaryDirectory(prefix="own-", dir="/tmp") as name, Slack() as slack:
        folder = Path(name)
        with rclone(folder / "s3") as endpoint:
            journey = Journey(folder, endpoint, slack)
            try:
                yield journey
            finally:
                journey.stop()


def test_the_page_leads_from_nothing_to_a_proven_restart_and_one_message(journey: Journey) -> None:
    create, keys, monitoring, agents, kill = blocks("console")
    journey.follow(create)
    journey.shorten()
    journey.follow(keys)
    journey.follow(monitoring)
    for server in AGENTS:
        journey.set_up(server)
    journey.follow(agents, *AGENTS)
    until(lambda: {agent["status"] for agent in journey.agents().values()} == {"running"}, 60)
    assert {name: agent["server"] for name, agent in journey.agents().items()} == {
        name: server for server, names in AGENTS.items() for name in names
    }
    assert {message.split("\n")[0] for message in journey.slack.messages} <= {
        f"{state}: AgentNeverSeen" for state in ("FIRING", "resolved")
    }, "only agents that were not started yet are reported"
    for server, victim in (("web-1", "ada"), ("web-2", "bob")):
        kill_and_see(journey, kill, server, victim)
    assert journey.agents()["eve"]["restarts"] == 0
    assert journey.typed - 1 <= MOST_COMMANDS, "the second agent that is killed is not on the page"
    assert journey.typed - 1 == sum(len(commands(block)) for block in blocks("console"))
    doctor, _, another = blocks("console", AFTERWARDS)  # a test alert is sent by test_loop.py
    journey.follow(doctor)
    journey.follow(another)
    assert (journey.here / "brain/config/agents/dan.yaml").is_file()


def kill_and_see(journey: Journey, kill: str, server: str, victim: str) -> None:
    """Kill an agent as the page does: one restart with proof, and one message of each kind."""
    journey.follow(kill.replace("ada", victim), server)
    until(lambda: journey.slack.about(victim, "resolved"), 60)
    [message], [resolved] = journey.slack.about(victim, "FIRING"), journey.slack.about(victim, "resolved")
    assert f"Server: {server}\n" in message
    assert f"{victim} has been silent for " in message
    assert "What happened: The agent has not written its state" in message
    assert "Action: restart_agent, by the receiver" in message
    assert "What to do: http" in message
    assert "What was done: restart_agent is " in resolved
    shown = journey.agents()[victim]
    assert (shown["status"], shown["restarts"], shown["last_action"]["state"]) == ("running", 1, "recovered")
