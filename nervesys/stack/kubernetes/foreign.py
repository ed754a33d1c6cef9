"""The pods of Prometheus and Alertmanager, with the configuration that `nervesys alerts build` generates."""

import hashlib
from collections.abc import Iterator, Mapping

from nervesys.stack.alertmanager import GOSSIP_PORT, arguments
from nervesys.stack.kubernetes.context import (
    FOREIGN_USER,
    Manifest,
    ManifestContext,
    Volumes,
    container,
    http_probes,
    pod,
    port_of,
    service,
    stateful_set,
)
from nervesys.stack.kubernetes.programs import ALERTMANAGER

IMAGES = {"prometheus": "prom/prometheus:v3.15.0", "alertmanager": "prom/alertmanager:v0.34.1"}
"""As in docker-compose.yml; a test compares them."""
RETENTION = "30d"
"""Volumes are sized for it; for longer history see docs/how-to/history.md."""
PROMETHEUS_SECRET = "nervesys-prometheus"  # noqa: S105  # a name
PROMETHEUS_FOLDER = "prometheus/"
CONFIG = "/config"


def prometheus(cluster: ManifestContext) -> Iterator[Manifest]:
    """One Prometheus with a volume."""
    port = port_of(cluster.settings.monitoring.listen.prometheus)
    paths = [path for path in cluster.provisioned if path.startswith(PROMETHEUS_FOLDER)]
    files = {path.removeprefix(PROMETHEUS_FOLDER).replace("/", "."): path for path in paths}
    data = {key: cluster.provisioned[path] for key, path in files.items()}
    volumes = Volumes().add("home", "/prometheus", None, read_only=False)
    places = {key: path.removeprefix(PROMETHEUS_FOLDER) for key, path in files.items()}
    volumes.config("nervesys-prometheus", CONFIG, places)
    if keys := cluster.secret_files("prometheus"):
        volumes.secret(PROMETHEUS_SECRET, keys=keys)
    args = [
        f"--config.file={CONFIG}/prometheus.yml",
        "--enable-feature=exemplar-storage",
        "--storage.tsdb.path=/prometheus",
        f"--storage.tsdb.retention.time={RETENTION}",
        f"--web.listen-address=:{port}",
    ]
    yield cluster.object("ConfigMap", "nervesys-prometheus") | {"data": data}
    yield service(cluster, "prometheus", port, job="prometheus")
    yield stateful_set(cluster, "prometheus", _pod(cluster, "prometheus", args, volumes, port, data))


def alertmanager(cluster: ManifestContext) -> Iterator[Manifest]:
    """The Alertmanagers; several are a cluster."""
    monitoring = cluster.settings.monitoring
    port, several = port_of(monitoring.listen.alertmanager), len(monitoring.alertmanagers) > 1
    data = {"alertmanager.yml": cluster.provisioned["alertmanager/alertmanager.yml"]}
    volumes = Volumes().add("home", "/alertmanager", None, read_only=False)
    volumes.config("nervesys-alertmanager", CONFIG)
    if keys := cluster.secret_files("alertmanager"):
        volumes.secret(ALERTMANAGER, keys=keys)
    args = arguments(
        monitoring,
        config=f"{CONFIG}/alertmanager.yml",
        data="/alertmanager",
        listen=f":{port}",
        gossip=f"$(POD_IP):{GOSSIP_PORT}",  # of 0.0.0.0 it advertises a private address only, and fails without one
    )
    yield cluster.object("ConfigMap", "nervesys-alertmanager") | {"data": data}
    yield service(cluster, "alertmanager", port, job="alertmanager", headless=several)
    template = _pod(cluster, "alertmanager", list(args), volumes, port, data)
    if several:
        gossip, member = {"containerPort": GOSSIP_PORT}, template["spec"]["containers"][0]
        member["env"] = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
        member["ports"] += [
            {"name": "gossip", **gossip},
            {"name": "gossip-udp", "protocol": "UDP", **gossip},
        ]
    parts = {"podManagementPolicy": "Parallel"} if several else {}
    yield stateful_set(cluster, "alertmanager", template, replicas=len(monitoring.alertmanagers), **parts)


def _pod(
    cluster: ManifestContext, name: str, args: list[str], volumes: Volumes, port: int, config: Mapping[str, str]
) -> Manifest:
    made = container(
        name,
        IMAGES[name],
        cluster.resources(name),
        volumes.mounts,
        args=args,
        **http_probes(port),
    )
    template = pod(name, f"nervesys-{name}", [made], volumes, user=FOREIGN_USER)
    # Another configuration is another template, so that the set replaces its pods.
    digest = hashlib.sha256("\0".join(config.values()).encode()).hexdigest()
    template["metadata"]["annotations"] = {"nervesys.io/config": digest[:16]}
    return template
