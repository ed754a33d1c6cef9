"""Runs the pods of the manifests as they stand, without a cluster: `python -m tests.deploy.pods FOLDER MANIFESTS`.

Each container becomes a service of `tests.deploy.native`, with the arguments, the environment and the mounts of its
pod: Secrets and ConfigMaps are folders as the kubelet makes them, with links into a dated folder, and read-only. The
store and its keys are those of docker-compose.yml. Prints the containers whose readiness probe succeeded, as JSON.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.deploy.native import HEALTHY_SECONDS, Native, compose
from tests.nervesys.stack.kubernetes.manifests import Manifest, of_kind

KEYS = {
    "store_access_key": "store-keys/store_access_key",
    "store_secret_key": "store-keys/store_secret_key",
    "receiver_token": "receiver-token/receiver_token",
}
"""Where compose's `init` makes the keys of the Secrets, below the folder of volumes."""
TOKENS = {"nervesys-artifacts": "artifacts-tokens", "nervesys-agents-artifacts": "agents-artifacts-tokens"}
NEEDED = ("init", "s3")
BRAIN = "brain:/brain"
"""Pods fetch it by https; here it lies in a folder."""


class Pods:
    """The pods of some manifests, as services.

    Args:
        manifests: all objects.
        volumes: folder of the volumes.
    """

    def __init__(self, manifests: list[Manifest], volumes: Path) -> None:
        self._maps, self._volumes = of_kind(manifests, "ConfigMap"), volumes
        self._workloads = of_kind(manifests, "StatefulSet", "Deployment")
        self.hosts = [*of_kind(manifests, "Service"), *(f"receiver-{number}.receiver" for number in (0, 1))]

    def services(self) -> Iterator[tuple[str, dict[str, Any], int | None]]:
        """Each container of our image: its name, the service, and the port of its probe; of each set the first pod."""
        for name, workload in self._workloads.items():
            ordinal = workload["spec"].get("ordinals", {}).get("start", 0)
            template = workload["spec"]["template"]["spec"]
            for container in template["containers"]:
                if container["image"].startswith("nervesys"):
                    probe = container.get("readinessProbe")
                    port = probe and probe["httpGet"]["port"]
                    yield container["name"], self._service(f"{name}-{ordinal}", template, container), port

    def _service(self, pod: str, template: Manifest, container: Manifest) -> dict[str, Any]:
        environment = dict(self._environment(pod, container))
        args = [re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], word) for word in container["args"]]
        sources = {volume["name"]: volume for volume in template["volumes"]}
        mounts = [self._mount(pod, mount, sources.get(mount["name"], {})) for mount in container["volumeMounts"]]
        return {
            "image": container["image"],
            "entrypoint": container.get("command", ["nervesys"]),
            "command": args,
            "environment": environment,
            "volumes": [*filter(None, mounts), BRAIN],
        }

    def _environment(self, pod: str, container: Manifest) -> Iterator[tuple[str, str]]:
        for source in container["envFrom"]:
            yield from self._maps[source["configMapRef"]["name"]]["data"].items()
        for variable in container["env"]:
            source = variable.get("valueFrom", {})
            field = source.get("fieldRef", {}).get("fieldPath")
            known = {"metadata.name": pod, "metadata.labels['apps.kubernetes.io/pod-index']": pod.rpartition("-")[2]}
            yield variable["name"], known[field] if field else "any" if source else variable["value"]

    def _mount(self, pod: str, mount: Manifest, source: Manifest) -> str | None:
        path = mount["mountPath"]
        if path == "/tmp":  # a mount of a pod
            return None
        if secret := source.get("secret"):
            name, files = secret["secretName"], self._secret(secret)
        elif config := source.get("configMap"):
            data = self._maps[config["name"]]["data"]
            items = config.get("items") or [{"key": key, "path": key} for key in data]
            name, files = f"config-{config['name']}", {item["path"]: data[item["key"]] for item in items}
        else:
            return f"{pod}-home:{path}"
        project(self._volumes / name, files)
        return f"{name}:{path}:ro"

    def _secret(self, secret: Manifest) -> dict[str, str]:
        if tokens := TOKENS.get(secret["secretName"]):
            return {file.name: file.read_text() for file in (self._volumes / tokens).iterdir()}
        wanted = [item["key"] for item in secret.get("items", ())] or KEYS
        return {key: (self._volumes / KEYS[key]).read_text() for key in wanted}


def project(folder: Path, files: Mapping[str, str]) -> None:
    """Write files as the kubelet does: links to links into a folder that it replaces as a whole."""
    dated = folder / "..2026_01_01"
    for name, text in files.items():
        (dated / name).parent.mkdir(parents=True, exist_ok=True)
        (dated / name).write_text(text)
    for link, target in {"..data": dated.name, **{name: f"..data/{name}" for name in files if "/" not in name}}.items():
        (folder / link).unlink(missing_ok=True)
        (folder / link).symlink_to(target)


def run(folder: Path, manifests: Path) -> dict[str, bool]:
    """Start everything of ours; which containers are ready, by their own probe."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    base = compose({})["services"]
    services: dict[str, Any] = {name: base[name] for name in NEEDED}
    native = Native(services, folder)
    pods = Pods(list(yaml.safe_load_all(manifests.read_text())), folder / "volumes")
    (folder / "hosts").write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *NEEDED, *pods.hosts)))
    if native.start("init").wait(HEALTHY_SECONDS):
        return {"init": False}
    ports: dict[str, int | None] = {}
    for name, service, port in pods.services():
        services[name], ports[name] = service, port
    for name in ("s3", *ports):
        native.start(name)
    return {"init": True} | {name: _is_ready(port, folder) for name, port in ports.items()}


def _is_ready(port: int | None, folder: Path) -> bool:
    """Whether the probe of a container succeeds in time; an agent has none, and writes its state to the store."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    while time.monotonic() < deadline:
        try:
            if port and requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=3).ok:
                return True
        except requests.RequestException:
            pass
        if not port and any((folder / "volumes/s3-data").rglob("*_state.json")):
            return True
        time.sleep(0.5)
    return False


def main() -> None:
    """Run the pods of a file of manifests below the folder that the command line names."""
    json.dump(run(Path(sys.argv[1]), Path(sys.argv[2])), sys.stdout)


if __name__ == "__main__":
    main()
