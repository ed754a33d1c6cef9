"""What the manifests are made from, and the parts that all of them share."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nervesys import __version__
from nervesys.settings import Settings
from nervesys.settings.kubernetes import KubernetesSettings, PodResources

Manifest = dict[str, Any]
USER, FOREIGN_USER = 10001, 65534
"""Users of our image, and of the images of Prometheus and Alertmanager."""
SECRETS = "/secrets/keys"
"""Where a pod finds its Secret; others lie beside it, because nothing can be mounted within a read-only volume."""
JOB_LABEL = "nervesys.io/job"
"""Label of a Service: the job under which Prometheus scrapes it."""
EXPORTERS = "exporters"
"""The workload with the exporters that share a process."""
ENVIRONMENT = "nervesys-environment"


@dataclass(frozen=True)
class ManifestContext:
    """One overlay's settings, and the texts that other parts generated from them.

    Attributes:
        settings: loaded with the overlay's profile.
        profile: of our programs.
        brain: Git URL as pods fetch it; None for the shipped example.
        agents: the name of each agent that is a pod, by its ordinal.
        provisioned: configuration of Prometheus and Alertmanager by path, as `nervesys alerts build` writes it.
        dashboards: JSON of each dashboard by its uid.
        datasources: of Grafana.
        own_prometheus: whether Prometheus runs here too; otherwise the operator's objects are written.
    """

    settings: Settings
    profile: str
    brain: str | None
    agents: Sequence[str]
    provisioned: Mapping[str, str]
    dashboards: Mapping[str, str]
    datasources: str
    own_prometheus: bool

    @property
    def kubernetes(self) -> KubernetesSettings:
        """The settings of the manifests themselves."""
        return self.settings.monitoring.kubernetes

    @property
    def image(self) -> str:
        """The image of our programs."""
        return self.kubernetes.image or f"nervesys-observability:{__version__}"

    def resources(self, workload: str) -> PodResources:
        """What a workload asks for; a source with pods of its own, as the shared exporters unless it is named."""
        table = self.kubernetes.resources
        return table.get(workload) or table[EXPORTERS]

    def object(self, kind: str, name: str, api: str = "v1", labels: Mapping[str, str] | None = None) -> Manifest:
        """An object without its content."""
        return {
            "apiVersion": api,
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": self.kubernetes.namespace,
                "labels": {"app.kubernetes.io/part-of": "nervesys", **(labels or {})},
            },
        }

    def secret_files(self, *folders: str) -> list[str]:
        """Names of the files below `SECRETS` that the generated configuration of a program names."""
        text = "".join(text for path, text in self.provisioned.items() if path.startswith(folders))
        return sorted(set(re.findall(rf"{SECRETS}/([\w.-]+)", text)))


@dataclass(frozen=True)
class Volumes:
    """The volumes of a pod, and where its containers mount them.

    Attributes:
        pod: entries of `volumes`.
        mounts: entries of `volumeMounts`.
    """

    pod: list[Manifest] = field(default_factory=list)
    mounts: list[Manifest] = field(default_factory=list)

    def add(self, name: str, path: str, source: Manifest | None, *, read_only: bool = True) -> "Volumes":
        """Mount a volume; without a source, one that a claim of the StatefulSet makes."""
        if source is not None:
            self.pod.append({"name": name, **source})
        self.mounts.append({"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})})
        return self

    def scratch(self, name: str, path: str) -> "Volumes":
        """Room that is gone with the pod."""
        return self.add(name, path, {"emptyDir": {"sizeLimit": "1Gi"}}, read_only=False)

    def secret(
        self, secret: str, path: str = SECRETS, keys: Iterable[str] = (), *, optional: bool = False
    ) -> "Volumes":
        """Keys of a Secret as files, all by default; readable by the pod's group, for its user is not their owner."""
        items = [{"key": key, "path": key} for key in keys]
        source = {
            "secretName": secret,
            "defaultMode": 0o440,
            **({"items": items} if items else {}),
            **({"optional": True} if optional else {}),
        }
        return self.add(f"secret-{path.rpartition('/')[2]}", path, {"secret": source})

    def config(self, config_map: str, path: str, items: Mapping[str, str] | None = None) -> "Volumes":
        """The keys of a ConfigMap as files; with items, at other paths."""
        listed = {"items": [{"key": key, "path": place} for key, place in items.items()]} if items else {}
        return self.add(f"config-{path.rpartition('/')[2]}", path, {"configMap": {"name": config_map, **listed}})


def container(name: str, image: str, resources: PodResources, mounts: Iterable[Manifest], **parts: Any) -> Manifest:
    """A container with no more rights than it needs.

    Args:
        name: of the container.
        image: of the container.
        resources: what it asks for.
        mounts: of its volumes.
        parts: further fields, such as `args`, `env` and `ports`.
    """
    return {
        "name": name,
        "image": image,
        **parts,
        "resources": {
            "requests": {"cpu": resources.cpu, "memory": resources.memory},
            "limits": {"memory": resources.memory},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": list(mounts),
    }


def http_probes(port: int, name: str = "http") -> Manifest:
    """Probes of a program with pages: started and alive as long as it responds, ready once it has its data."""

    def probe(path: str, **times: int) -> Manifest:
        return {"httpGet": {"path": path, "port": port}, "timeoutSeconds": 5, **times}

    return {
        "ports": [{"name": name, "containerPort": port}],
        "startupProbe": probe("/-/healthy", periodSeconds=2, failureThreshold=60),
        "livenessProbe": probe("/-/healthy", periodSeconds=10, failureThreshold=6),
        "readinessProbe": probe("/-/ready", periodSeconds=10, failureThreshold=3),
    }


def pod(name: str, account: str, containers: list[Manifest], volumes: Volumes, *, user: int = USER) -> Manifest:
    """The template of a pod: a plain user, and a token of the cluster's API only where one is needed."""
    return {
        "metadata": {"labels": {"app.kubernetes.io/part-of": "nervesys", "app.kubernetes.io/name": name}},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": user,
                "runAsGroup": user,
                "fsGroup": user,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "terminationGracePeriodSeconds": 30,
            "containers": containers,
            "volumes": volumes.pod,
        },
    }


def stateful_set(cluster: ManifestContext, name: str, template: Manifest, **parts: Any) -> Manifest:
    """A StatefulSet with the Service of the same name; each pod has a volume `home` where its resources name a size."""
    size, storage_class = cluster.resources(name).volume, cluster.kubernetes.storage_class
    claim = {
        "metadata": {"name": "home"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            **({"storageClassName": storage_class} if storage_class else {}),
            "resources": {"requests": {"storage": size}},
        },
    }
    return cluster.object("StatefulSet", name, "apps/v1") | {
        "spec": {
            "serviceName": name,
            "replicas": 1,
            **parts,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": template,
            "volumeClaimTemplates": [claim] if size else [],
        }
    }


def service(
    cluster: ManifestContext, name: str, port: int, *, of: str = "", job: str = "", headless: bool = False
) -> Manifest:
    """A Service.

    Args:
        cluster: its namespace.
        name: its name, by which other programs reach it.
        port: of the program.
        of: the workload, where it has another name.
        job: under which Prometheus scrapes it.
        headless: for pods that are reached one by one.
    """
    labels = {"app.kubernetes.io/name": name, **({JOB_LABEL: job} if job else {})}
    return cluster.object("Service", name, labels=labels) | {
        "spec": {
            **({"clusterIP": "None", "publishNotReadyAddresses": True} if headless else {}),
            "selector": {"app.kubernetes.io/name": of or name},
            "ports": [{"name": "http", "port": port, "targetPort": port}],
        }
    }


def port_of(address: str) -> int:
    """The port of `HOST:PORT`."""
    return int(address.rpartition(":")[2])
