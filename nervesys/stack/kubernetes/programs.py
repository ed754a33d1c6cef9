"""The pods of our own programs: exporters, the artifact service, the receiver, the page, the agents."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from nervesys.settings.monitoring import EVERY_SOURCE
from nervesys.settings.yaml_text import yaml_text
from nervesys.stack.keys import RECEIVER_NAMES
from nervesys.stack.kubernetes.context import (
    ENVIRONMENT,
    EXPORTERS,
    SECRETS,
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

EXPORTERS_SECRET, RECEIVER, ALERTMANAGER, AGENTS, ARTIFACTS, JOURNAL = (
    f"nervesys-{name}" for name in ("exporters", "receiver", "alertmanager", "agents", "artifacts", "journal")
)
"""Secrets, each for one group of programs."""
AGENT_TOKENS = "nervesys-agents-artifacts"  # a name
RECEIVER_CONFIG = "nervesys-receiver-config"
EVERYWHERE = "0.0.0.0"  # noqa: S104  # of a pod, which only its NetworkPolicy opens
HOME = "/nervesys"
PLACES = "/agents"
TOKENS = "/secrets/artifacts"  # as the profile `kubernetes` names it
RUN_AGENT = f"""\
agent="$(cat "{PLACES}/$POD_NAME")"
export NERVESYS_HOME="{HOME}/$agent"
exec nervesys agent run "$agent"
"""
"""Each pod runs the agent of its place, whose data lie in a folder of its name."""


def environment(cluster: ManifestContext) -> Manifest:
    """The variables that all our pods share."""
    brain = {"NERVESYS_BRAIN": cluster.brain} if cluster.brain else {}
    data = {"NERVESYS_PROFILE": cluster.profile, **brain, **cluster.kubernetes.environment}
    return cluster.object("ConfigMap", ENVIRONMENT) | {"data": data}


def secret_keys(cluster: ManifestContext) -> dict[str, list[str]]:
    """The Secrets that the pods mount or name, each with its keys."""
    own = [name.rpartition("/")[2] for name in _secret_variables(cluster).values()]
    receiver = [*RECEIVER_NAMES, *own]
    found = {EXPORTERS_SECRET: own, RECEIVER: receiver, AGENTS: own, ALERTMANAGER: cluster.secret_files("alertmanager")}
    if _has_artifacts(cluster):
        found[ARTIFACTS] = ["_admin", *cluster.agents]
        found[AGENT_TOKENS] = list(cluster.agents)
    if _is_shared(cluster):
        found[JOURNAL] = ["password"]
    return found


def exporters(cluster: ManifestContext) -> Iterator[Manifest]:
    """One pod for all sources that share a process, and a set for each other source, with a pod for each shard."""
    settings, monitoring = cluster.settings, cluster.settings.monitoring
    for name in settings.sources:
        if name not in settings.shared_sources:
            yield from _own_process(cluster, name)
    port, volumes = port_of(monitoring.listen.exporters), _own_volumes(EXPORTERS_SECRET)
    containers = [_exporter(cluster, EXPORTERS, EVERY_SOURCE, port, volumes)] if settings.shared_sources else []
    if _has_artifacts(cluster):
        # Beside its exporter, because SQLite lies on a volume that one pod mounts.
        volumes.secret(ARTIFACTS, TOKENS)
        containers.append(_artifacts(cluster, volumes))
        served = port_of(monitoring.listen.artifacts)
        yield service(cluster, "artifacts", served, of=EXPORTERS, job="artifacts-service")
    if containers:
        yield service(cluster, EXPORTERS, port)
        yield stateful_set(cluster, EXPORTERS, pod(EXPORTERS, "nervesys-exporters", containers, volumes))


def receiver(cluster: ManifestContext) -> Iterator[Manifest]:
    """The receivers; several share a journal in PostgreSQL."""
    monitoring, several = cluster.settings.monitoring, _is_shared(cluster)
    port = port_of(monitoring.listen.receiver)
    yield service(cluster, "receiver", port, job="receiver", headless=several)
    yield cluster.object("ConfigMap", RECEIVER_CONFIG) | {"data": {"receiver.yaml": yaml_text(_receiver_file(cluster))}}
    volumes = _own_volumes(RECEIVER).config(RECEIVER_CONFIG, "/config")
    password = {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": JOURNAL, "key": "password"}}}
    env = [
        *_variables(_secret_variables(cluster)),
        {"name": "NERVESYS_RECEIVER_FILE", "value": "/config/receiver.yaml"},
        *([password] if several else []),
    ]
    made = _ours(cluster, "receiver", ["receiver", f"--listen={EVERYWHERE}:{port}"], volumes, env, port)
    template = pod("receiver", "nervesys-receiver", [made], volumes)
    template["spec"]["automountServiceAccountToken"] = True  # it deletes pods of agents
    yield stateful_set(cluster, "receiver", template, replicas=len(monitoring.receivers))


def page(cluster: ManifestContext) -> Iterator[Manifest]:
    """The dashboards without Grafana, and the agents' logs, tasks and traces."""
    yield from _without_volume(cluster, "page", ["dashboards", "serve"], cluster.settings.monitoring.listen.page)


def logs(cluster: ManifestContext) -> Iterator[Manifest]:
    """The agents' logs, for Grafana."""
    yield from _without_volume(cluster, "logs", ["logs", "serve"], cluster.settings.monitoring.listen.logs)


def _without_volume(cluster: ManifestContext, name: str, words: Sequence[str], address: str) -> Iterator[Manifest]:
    """A Deployment of a program that keeps nothing, with the secrets of the brain, the store and the archive."""
    files = {name: path for name, path in _secret_variables(cluster).items() if name != "DASHSCOPE_API_KEY_FILE"}
    port, volumes = port_of(address), Volumes().scratch("home", HOME).scratch("tmp", "/tmp")  # noqa: S108  # of a pod
    volumes.secret(EXPORTERS_SECRET, keys=[path.rpartition("/")[2] for path in files.values()])
    made = _ours(cluster, name, [*words, f"--listen={EVERYWHERE}:{port}"], volumes, _variables(files), port)
    yield service(cluster, name, port, job=name)
    yield cluster.object("Deployment", name, "apps/v1") | {
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": pod(name, f"nervesys-{name}", [made], volumes),
        }
    }


def agents(cluster: ManifestContext) -> Iterator[Manifest]:
    """One StatefulSet for all agents; they open no port, so the receiver watches them and not the cluster."""
    places = {f"agents-{ordinal}": name for ordinal, name in enumerate(cluster.agents)}
    yield cluster.object("ConfigMap", AGENTS) | {"data": places}
    yield service(cluster, "agents", 80, headless=True) | {"spec": _no_port()}
    volumes = _own_volumes(AGENTS).config(AGENTS, PLACES)
    if _has_artifacts(cluster):
        volumes.secret(AGENT_TOKENS, TOKENS, optional=True)
    name = {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    env = [
        *_variables(_secret_variables(cluster)),
        {"name": "POD_NAME", **name},
        {"name": "NERVESYS_SERVER", **name},
    ]
    made = _ours(cluster, "agents", [RUN_AGENT], volumes, env)
    made = {"name": made.pop("name"), "image": made.pop("image"), "command": ["/bin/sh", "-ec"], **made}
    template = pod("agents", "nervesys-agents", [made], volumes)
    template["spec"]["terminationGracePeriodSeconds"] = 60  # it ships its logs and reports `stopped`
    yield stateful_set(cluster, "agents", template, replicas=len(cluster.agents), podManagementPolicy="Parallel")


def _no_port() -> Manifest:
    """A headless Service that only gives the pods of a set their names."""
    return {"clusterIP": "None", "selector": {"app.kubernetes.io/name": "agents"}}


def _own_process(cluster: ManifestContext, source: str) -> Iterator[Manifest]:
    """The set of a source with a process of its own; its pods are numbered from 1, as shards are."""
    row, name = cluster.settings.monitoring.sources[source], f"{source}-exporter"
    port, volumes = port_of(row.listen), _own_volumes(EXPORTERS_SECRET)
    made = _exporter(cluster, name, source, port, volumes, f"--shard=$(SHARD)/{row.shards}")
    ordinal = "metadata.labels['apps.kubernetes.io/pod-index']"
    made["env"].append({"name": "SHARD", "valueFrom": {"fieldRef": {"fieldPath": ordinal}}})
    template = pod(name, "nervesys-exporters", [made], volumes)
    yield service(cluster, name, port, job=source, headless=row.shards > 1)
    together = {"podManagementPolicy": "Parallel", "ordinals": {"start": 1}}
    yield stateful_set(cluster, name, template, replicas=row.shards, **together)


def _exporter(cluster: ManifestContext, name: str, source: str, port: int, volumes: Volumes, *words: str) -> Manifest:
    args = ["exporter", source, *words, f"--listen={EVERYWHERE}:{port}"]
    return _ours(cluster, name, args, volumes, _variables(_secret_variables(cluster)), port)


def _artifacts(cluster: ManifestContext, volumes: Volumes) -> Manifest:
    port = port_of(cluster.settings.monitoring.listen.artifacts)
    args = ["artifacts", "serve", f"--listen={EVERYWHERE}:{port}"]
    made = _ours(cluster, "artifacts", args, volumes, _variables(_secret_variables(cluster)), port)
    return made | http_probes(port, "artifacts")


def _is_shared(cluster: ManifestContext) -> bool:
    return len(cluster.settings.monitoring.receivers) > 1


def _has_artifacts(cluster: ManifestContext) -> bool:
    return "artifacts" in cluster.settings.sources


def _ours(
    cluster: ManifestContext,
    name: str,
    args: Sequence[str],
    volumes: Volumes,
    env: Iterable[Manifest],
    port: int | None = None,
) -> Manifest:
    """A container of our image."""
    return container(
        name,
        cluster.image,
        cluster.resources(name),
        volumes.mounts,
        args=list(args),
        envFrom=[{"configMapRef": {"name": ENVIRONMENT}}],
        env=[{"name": "NERVESYS_HOME", "value": HOME}, *env],
        **(http_probes(port) if port else {}),
    )


def _own_volumes(secret: str) -> Volumes:
    return Volumes().add("home", HOME, None, read_only=False).scratch("tmp", "/tmp").secret(secret)  # noqa: S108


def _variables(files: Mapping[str, str]) -> list[Manifest]:
    return [{"name": name, "value": path} for name, path in files.items()]


def _secret_variables(cluster: ManifestContext) -> dict[str, str]:
    """Variables that name the files of secrets: those that these settings make use of."""
    storage = cluster.settings.storage
    names = {"STORJ_ACCESS_KEY": "store_access_key", "STORJ_SECRET_KEY": "store_secret_key"}
    if cluster.brain and cluster.brain.startswith("https://"):
        names["GITHUB_TOKEN"] = "github_token"  # noqa: S105  # the name of a file
    if storage.archive.is_configured:
        names["GDRIVE_SERVICE_ACCOUNT_JSON"] = "gdrive_service_account.json"
    if storage.encryption.recipients:
        names["NERVESYS_AGE_IDENTITY"] = "age_identity"
    if cluster.settings.alibaba.alibaba_cloud.enabled:
        names["DASHSCOPE_API_KEY"] = "dashscope_api_key"
    return {f"{name}_FILE": f"{SECRETS}/{file}" for name, file in names.items()}


def _receiver_file(cluster: ManifestContext) -> Manifest:
    pods = {name: f"agents-{ordinal}" for ordinal, name in enumerate(cluster.agents)}
    journal = {"journal": cluster.kubernetes.journal} if _is_shared(cluster) else {}
    return {
        "token_file": f"{SECRETS}/receiver_token",
        "approvals": {"secrets_folder": SECRETS},
        **journal,
        "drivers": {"pod": {"pods": pods, "servers": ["*"]}},
    }
