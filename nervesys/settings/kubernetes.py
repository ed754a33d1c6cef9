"""What the manifests of Kubernetes need beyond the other settings: `kubernetes` in config/monitoring.yaml."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from nervesys.contract.validation import text_form
from nervesys.settings.section import SettingsSection

Label = Annotated[str, text_form("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "must be 1 to 63 of a-z 0-9 -")]
"""A name of an object that is also a DNS label."""
Quantity = Annotated[
    str, text_form(r"[0-9]+(\.[0-9]+)?(m|[kMGT]i?)?", "must be a quantity, such as 250m, 512Mi or 10Gi")
]


class PodResources(SettingsSection):
    """What a pod asks for, and what it may use at most.

    Attributes:
        cpu: requested; there is no limit, which would slow a program down while the node is idle.
        memory: requested, and the limit.
        volume: size of its volume; None where it keeps nothing.
    """

    cpu: Quantity
    memory: Quantity
    volume: Quantity | None = None


class SecretStore(SettingsSection):
    """The External Secrets Operator's store from which the Secrets are filled.

    Attributes:
        name: of the store.
        kind: of the store.
        prefix: of the names of its entries, which are otherwise those of the Secrets.
    """

    name: Label
    kind: Literal["SecretStore", "ClusterSecretStore"] = "ClusterSecretStore"
    prefix: str = ""


class KubernetesSettings(SettingsSection):
    """The manifests that `nervesys kubernetes build` writes.

    Attributes:
        namespace: of all objects.
        image: of our programs; None for `nervesys-observability` with the version of this release.
        brain: Git URL as pods fetch it; None for the one that the manifests are generated from.
        environment: further variables of all our pods; secrets have no place here.
        monitoring_namespace: whose pods may read metrics, Prometheus and Alertmanager, such as those of the operator.
        egress_ports: TCP ports outside that all pods may reach, beside those of the URLs in the settings.
        egress: further entries of `egress` in each NetworkPolicy, such as a store in another namespace.
        journal: URL of the PostgreSQL that several receivers share, without a password.
        storage_class: of the volumes; None for the cluster's default.
        secret_store: from which the Secrets are filled; None where you create them.
        labels: of ServiceMonitor, PrometheusRule and AlertmanagerConfig, by which the operator finds them.
        resources: by workload.
    """

    namespace: Label
    image: str | None = None
    brain: str | None = None
    environment: Mapping[str, str] = Field(default_factory=dict)
    monitoring_namespace: Label
    egress_ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...]
    egress: tuple[Mapping[str, Any], ...] = ()
    journal: Annotated[str, text_form(r"postgresql://[^:@]+(@.*)?", "must be postgresql://USER@HOST/NAME")]
    storage_class: str | None = None
    secret_store: SecretStore | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    resources: Mapping[str, PodResources]
