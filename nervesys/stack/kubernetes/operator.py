"""Objects of the Prometheus Operator: what to scrape, the rules, and the routes of its Alertmanager.

Sources: the types `monitoring.coreos.com` v1 and v1alpha1 of prometheus-operator.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from nervesys.stack.kubernetes.context import EXPORTERS, JOB_LABEL, SECRETS, Manifest, ManifestContext
from nervesys.stack.kubernetes.programs import ALERTMANAGER

API, ALERTMANAGER_API = "monitoring.coreos.com/v1", "monitoring.coreos.com/v1alpha1"
RULES = "prometheus/rules/"
MATCHERS = {"=~": "=~", "!=": "!=", "!~": "!~", "=": "="}
"""Longer operators first."""
FIELDS = {
    "api_url_file": "apiURL",
    "auth_password_file": "authPassword",
    "bot_token_file": "botToken",
    "credentials_file": "credentials",
    "chat_id": "chatID",
    "require_tls": "requireTLS",
}
"""Fields of Alertmanager's that are named differently there; the others are the same in camel case."""


def monitors(cluster: ManifestContext) -> Iterator[Manifest]:
    """What the operator's Prometheus scrapes, under the jobs that the rules expect."""
    every = f"{cluster.settings.monitoring.prometheus.scrape_interval_seconds:g}s"
    jobs = {"matchExpressions": [{"key": JOB_LABEL, "operator": "Exists"}]}
    yield _object(cluster, "ServiceMonitor", "nervesys") | {
        "spec": {
            "jobLabel": JOB_LABEL,
            "selector": jobs,
            "endpoints": [{"port": "http", "interval": every, "relabelings": [_instance()]}],
        }
    }
    shared = cluster.settings.shared_sources
    if shared:
        endpoints = [
            {
                "port": "http",
                "path": f"/metrics/{job}",
                "interval": every,
                "relabelings": [_instance(), _job(job)],
            }
            for job in (*shared, EXPORTERS)
        ]
        names = {"matchLabels": {"app.kubernetes.io/name": EXPORTERS}}
        yield _object(cluster, "ServiceMonitor", f"nervesys-{EXPORTERS}") | {
            "spec": {"selector": names, "endpoints": endpoints}
        }
    yield _object(cluster, "ServiceMonitor", "nervesys-prometheus") | {
        "spec": {
            "selector": {"matchLabels": {"operated-prometheus": "true"}},
            "namespaceSelector": {"matchNames": [cluster.kubernetes.monitoring_namespace]},
            "endpoints": [{"port": "web", "interval": every, "relabelings": [_job("prometheus")]}],
        }
    }


def rules(cluster: ManifestContext) -> Iterator[Manifest]:
    """Alerting and recording rules, as they are in Prometheus' own files."""
    for path, text in cluster.provisioned.items():
        if path.startswith(RULES):
            stem = PurePosixPath(path).stem
            name = "nervesys" if stem == "nervesys" else f"nervesys-{stem}"
            yield _object(cluster, "PrometheusRule", name) | {"spec": {"groups": yaml.safe_load(text)["groups"]}}


def alertmanager_config(cluster: ManifestContext) -> Manifest:
    """The routes and receivers for the operator's own Alertmanager, in place of one of ours.

    The operator adds the route below its own, and makes it go on to the next ones.
    """
    config = yaml.safe_load(cluster.provisioned["alertmanager/alertmanager.yml"])
    return _object(cluster, "AlertmanagerConfig", "nervesys", ALERTMANAGER_API) | {
        "spec": {
            "route": _route(config["route"]),
            "receivers": [_receiver(item) for item in config["receivers"]],
            "inhibitRules": [_inhibition(rule) for rule in config.get("inhibit_rules", ())],
        }
    }


def _object(cluster: ManifestContext, kind: str, name: str, api: str = API) -> Manifest:
    return cluster.object(kind, name, api, cluster.kubernetes.labels)


def _job(name: str) -> Manifest:
    return {"targetLabel": "job", "replacement": name}


def _instance() -> Manifest:
    """The pod's name and port: a new pod of the same name goes on with the series of the old one."""
    return {
        "sourceLabels": ["__meta_kubernetes_pod_name", "__meta_kubernetes_pod_container_port_number"],
        "separator": ":",
        "targetLabel": "instance",
    }


def _route(route: Mapping[str, Any]) -> Manifest:
    made = {_camel(key): value for key, value in route.items() if key not in {"routes", "matchers"}}
    if "matchers" in route:
        made["matchers"] = list(map(_matcher, route["matchers"]))
    if "routes" in route:
        made["routes"] = [_route(child) for child in route["routes"]]
    return made


def _inhibition(rule: Mapping[str, Any]) -> Manifest:
    return {
        "sourceMatch": list(map(_matcher, rule["source_matchers"])),
        "targetMatch": list(map(_matcher, rule["target_matchers"])),
        "equal": rule["equal"],
    }


def _matcher(text: str) -> Manifest:
    """A matcher as `routes` writes them: `NAME OPERATOR "VALUE"`."""
    name, operator, value = text.split(" ", 2)
    return {"name": name, "matchType": MATCHERS[operator], "value": value[1:-1]}


def _receiver(receiver: Mapping[str, Any]) -> Manifest:
    return {key if key == "name" else _camel(key): _fields(value) for key, value in receiver.items()}


def _fields(value: Any) -> Any:
    """An integration with the operator's names; secrets are keys of the Secret that Alertmanager mounts."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_fields(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    made: Manifest = {}
    for key, content in value.items():
        if key == "parse_mode" and not content:
            continue  # the operator has no plain text
        if key == "headers":
            made[key] = [{"key": name, "value": text} for name, text in content.items()]
        elif isinstance(content, str) and content.startswith(f"{SECRETS}/"):
            made[_camel(key)] = {"name": ALERTMANAGER, "key": content.removeprefix(f"{SECRETS}/")}
        else:
            made[_camel(key)] = _fields(content)
    return made


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return FIELDS.get(name) or head + "".join(part.capitalize() for part in rest)
