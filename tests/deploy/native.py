"""Runs services of docker-compose.yml as they stand, without an engine.

Needs namespaces, not root: `unshare --user --map-root-user --net --mount --pid --fork --kill-child` around a program
that uses this. All services share one network, in which each service's name is 127.0.0.1. Each has a root folder made
of this machine's, in which its volumes are mounted where the file says, read-only where it says so.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HEALTHY_SECONDS = 60


@dataclass(frozen=True)
class Native:
    """The services of a compose file, run natively.

    Attributes:
        services: of the file.
        folder: of everything that they write.
    """

    services: Mapping[str, Mapping[str, Any]]
    folder: Path

    def prepare(self) -> None:
        """Bring up the loopback device and give every service a name."""
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        (self.folder / "hosts").write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *self.services)))

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        """Start a service with the entrypoint, command and environment that stand in the file."""
        service = self.services[name]
        entrypoint = service.get("entrypoint", ["nervesys"])  # as the image's
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(self._inside(name, [*entrypoint, *service["command"]]), stdout=log, stderr=log)

    def healthy(self, name: str) -> bool:
        """Whether its own health test passes in time."""
        argv = self._inside(name, self.services[name]["healthcheck"]["test"][1:])
        deadline = time.monotonic() + HEALTHY_SECONDS
        while time.monotonic() < deadline:
            if subprocess.run(argv, capture_output=True, check=False).returncode == 0:
                return True
            time.sleep(1)
        return False

    def _inside(self, name: str, argv: list[str]) -> list[str]:
        service = self.services[name]
        root = self.folder / "roots" / name
        words = {"root": root, "hosts": self.folder / "hosts"}
        lines = [
            "mkdir -p {root}; mount -t tmpfs tmpfs {root}",
            (
                "for entry in /*; do [ -d $entry ] || continue; [ -L $entry ] && cp -P $entry {root}$entry && continue;"
                " mkdir {root}$entry; mount --rbind $entry {root}$entry; done"
            ),
            "mount --bind {hosts} {root}/etc/hosts; mkdir -p {root}/nervesys",
        ]
        script = "\n".join(lines).format(**{key: shlex.quote(str(path)) for key, path in words.items()})
        for volume in service.get("volumes", ()):
            script += "\n" + self._mounted(root, volume)
        environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NERVESYS_HOME": "/nervesys"}
        environment |= service.get("environment", {})
        pairs = [f"{key}={value}" for key, value in environment.items()]
        enter = [
            "chroot",
            str(root),
            "env",
            "-i",
            "-C",
            "/nervesys",
            *pairs,
            *(word.replace("$$", "$") for word in argv),
        ]
        return ["unshare", "--mount", "sh", "-ec", f"{script}\nexec {shlex.join(enter)}"]

    def _mounted(self, root: Path, volume: str) -> str:
        source, target, *mode = volume.split(":")
        folder = ROOT / source if source.startswith("./") else self.folder / "volumes" / source
        folder.mkdir(parents=True, exist_ok=True)
        here, there = shlex.quote(str(folder)), shlex.quote(f"{root}{target}")
        options = "; mount -o remount,ro,bind " + there if mode == ["ro"] else ""
        return f"mkdir -p {there}; mount --bind {here} {there}{options}"
