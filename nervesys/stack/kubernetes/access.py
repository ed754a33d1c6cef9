"""Who may do what: service accounts, the receiver's role, secrets, and how many pods a drain may stop."""

from collections.abc import Iterator

from nervesys.stack.kubernetes.context import Manifest, ManifestContext
from nervesys.stack.kubernetes.foreign import PROMETHEUS_SECRET
from nervesys.stack.kubernetes.programs import secret_keys

ACCOUNTS = ("exporters", "receiver", "page", "logs", "agents", "prometheus", "alertmanager")
"""A service account each; only the receiver's may do anything."""
EXTERNAL_SECRETS = "external-secrets.io/v1"


def namespace(cluster: ManifestContext) -> Manifest:
    """The namespace; the cluster refuses pods in it that need more than the rules of `restricted` allow."""
    made = cluster.object("Namespace", cluster.kubernetes.namespace)
    del made["metadata"]["namespace"]
    made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    return made


def accounts(cluster: ManifestContext) -> Iterator[Manifest]:
    """The service accounts, without a token unless a pod asks for it, and the receiver's role."""
    for name in ACCOUNTS:
        yield cluster.object("ServiceAccount", f"nervesys-{name}") | {"automountServiceAccountToken": False}
    api, name = "rbac.authorization.k8s.io/v1", "nervesys-receiver"
    pods = [f"agents-{ordinal}" for ordinal in range(len(cluster.agents))]
    rule = {"apiGroups": [""], "resources": ["pods"], "resourceNames": pods, "verbs": ["delete"]}
    yield cluster.object("Role", name, api) | {"rules": [rule] if pods else []}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": cluster.kubernetes.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    yield cluster.object("RoleBinding", name, api) | {"roleRef": role, "subjects": [subject]}


def budgets(cluster: ManifestContext) -> Iterator[Manifest]:
    """A drain of nodes stops one pod of a set after the other; a single pod may be moved at any time."""
    monitoring = cluster.settings.monitoring
    counts = {
        "agents": len(cluster.agents),
        "receiver": len(monitoring.receivers),
        "alertmanager": len(monitoring.alertmanagers),
        **{f"{name}-exporter": monitoring.sources[name].shards for name in cluster.settings.sources},
    }
    for name, count in counts.items():
        if count > 1:
            selector = {"matchLabels": {"app.kubernetes.io/name": name}}
            spec = {"maxUnavailable": 1, "selector": selector}
            yield cluster.object("PodDisruptionBudget", name, "policy/v1") | {"spec": spec}


def external_secrets(cluster: ManifestContext) -> Iterator[Manifest]:
    """An object for each Secret, by which the External Secrets Operator fills it; none where there is no such store."""
    store = cluster.kubernetes.secret_store
    if store is None:
        return
    for name in required_secrets(cluster):
        yield cluster.object("ExternalSecret", name, EXTERNAL_SECRETS) | {
            "spec": {
                "refreshInterval": "1h",
                "secretStoreRef": {"name": store.name, "kind": store.kind},
                "target": {"name": name},
                "dataFrom": [{"extract": {"key": f"{store.prefix}{name}"}}],
            }
        }


def required_secrets(cluster: ManifestContext) -> dict[str, list[str]]:
    """Every Secret that the pods need, with its keys."""
    prometheus = cluster.secret_files("prometheus") if cluster.own_prometheus else []
    found = secret_keys(cluster) | ({PROMETHEUS_SECRET: prometheus} if prometheus else {})
    return {name: keys for name, keys in found.items() if keys}
