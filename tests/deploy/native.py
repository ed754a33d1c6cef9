"""Runs our services of docker-compose.yml as they stand, without an engine: `python -m tests.deploy.native FOLDER`.

Needs namespaces, not root: it is run inside `unshare --user --map-root-user --net --mount --pid --fork --kill-child`.
All services share one network, in which each service's name is 127.0.0.1. Each has a root folder made of this
machine's, in which its volumes are mounted where the file says, read-only where it says so; of /tmp only what they
keep is apart, for Python itself may lie there. Prints which services passed their own health test, as JSON.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
HEALTHY_SECONDS = 60
MAKE_ROOT = """
mkdir -p {root}; mount -t tmpfs tmpfs {root}
for entry in /*; do
  if [ -L $entry ]; then cp -P $entry {root}$entry
  elif [ -d $entry ]; then mkdir {root}$entry; mount --rbind $entry {root}$entry; fi
done
mount -t proc proc {root}/proc
mount --bind {hosts} {root}/etc/hosts
mkdir -p {root}/nervesys {root}/tmp/nervesys
mount -t tmpfs tmpfs {root}/tmp/nervesys
"""


@dataclass(frozen=True)
class Native:
    """The services of a compose file, run natively.

    Attributes:
        services: of the file.
        folder: of everything that they write.
    """

    services: Mapping[str, Mapping[str, Any]]
    folder: Path

    def run(self) -> dict[str, bool]:
        """Start everything of ours; which services are well, by their own test."""
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        (self.folder / "hosts").write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *self.services)))
        if self.start("init").wait(HEALTHY_SECONDS):
            return {"init": False}
        ours = [name for name, service in self.services.items() if is_ours(service) and service["restart"] != "no"]
        for name in ours:
            self.start(name)
        return {"init": True, **{name: self.healthy(name) for name in ours}}

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        """Start a service with the entrypoint, command and environment that stand in the file."""
        service = self.services[name]
        argv = [*service.get("entrypoint", ["nervesys"]), *service["command"]]  # the image's entrypoint
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(self._inside(name, argv), stdout=log, stderr=log)

    def healthy(self, name: str) -> bool:
        """Whether its own health test passes in time."""
        argv = self._inside(name, self.services[name]["healthcheck"]["test"][1:])
        deadline = time.monotonic() + HEALTHY_SECONDS
        while time.monotonic() < deadline:
            if subprocess.run(argv, capture_output=True, check=False).returncode == 0:
                return True
            time.sleep(0.5)
        return False

    def _inside(self, name: str, argv: list[str]) -> list[str]:
        service, root = self.services[name], self.folder / "roots" / name
        script = MAKE_ROOT.format(root=shlex.quote(str(root)), hosts=shlex.quote(str(self.folder / "hosts")))
        script += "".join(self._mounted(root, volume) for volume in service.get("volumes", ()))
        for tmpfs in (mount.partition(":")[0] for mount in service.get("tmpfs", ()) if mount != "/tmp"):
            script += f"mkdir -p {root}{tmpfs}; mount -t tmpfs tmpfs {root}{tmpfs}\n"
        environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NERVESYS_HOME": "/nervesys"}
        pairs = [f"{key}={value}" for key, value in {**environment, **service.get("environment", {})}.items()]
        sbin = f"PATH={os.environ['PATH']}:/usr/sbin:/sbin"  # a plain user's path may lack where chroot lies
        enter = ["env", sbin, "chroot", str(root), "env", "-i", "-C", "/nervesys", *pairs, *argv]
        return ["unshare", "--mount", "sh", "-ec", f"{script}exec {shlex.join(enter)}"]

    def _mounted(self, root: Path, volume: str) -> str:
        source, target, *mode = volume.split(":")
        place = ROOT / source if source.startswith(("./", "/")) else self.folder / "volumes" / source
        there = shlex.quote(f"{root}{target}")
        guarded = mode == ["ro"] and not place.is_char_device()  # whose own flags are not ours to change
        read_only = f"mount -o remount,ro,bind {there}\n" if guarded else ""
        if place.exists() and not place.is_dir():
            make = f"mkdir -p $(dirname {there}); touch {there}"
        else:
            place.mkdir(parents=True, exist_ok=True)
            make = f"mkdir -p {there}"
        return f"{make}; mount --bind {shlex.quote(str(place))} {there}\n{read_only}"


def is_ours(service: Mapping[str, Any]) -> bool:
    """Whether a service runs one of our own images."""
    return str(service["image"]).startswith("nervesys-")


def interpolated(value: Any, environ: Mapping[str, str]) -> Any:
    """What a compose file says with the variables that it names: text by text, as the Compose Specification has it."""

    def expand(match: re.Match[str]) -> str:
        found, (name, operator, word) = environ.get(match[1], ""), match.groups()
        assert operator or name in environ, f"{name} has no default"
        return {":-": found or word, ":+": word if found else ""}.get(operator, found)

    if isinstance(value, dict):
        return {key: interpolated(part, environ) for key, part in value.items()}
    if isinstance(value, list):
        return [interpolated(part, environ) for part in value]
    return (
        re.sub(r"(?<!\$)\$\{(\w+)(?:(:[-+])([^}]*))?\}", expand, value).replace("$$", "$")
        if isinstance(value, str)
        else value
    )


def compose(environ: Mapping[str, str]) -> dict[str, Any]:
    """docker-compose.yml as it is with these variables."""
    loaded: dict[str, Any] = interpolated(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), environ)
    return loaded


def main() -> None:
    """Run the services below the folder that the command line names."""
    json.dump(Native(compose(os.environ)["services"], Path(sys.argv[1])).run(), sys.stdout)


if __name__ == "__main__":
    main()
