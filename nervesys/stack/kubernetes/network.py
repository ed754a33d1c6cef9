"""Network policies: who reaches whom within the namespace, and which ports outside it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from nervesys.settings.alibaba import LOCAL_HOSTS
from nervesys.stack.alertmanager import GOSSIP_PORT
from nervesys.stack.kubernetes.context import EXPORTERS, Manifest, ManifestContext, port_of

API = "networking.k8s.io/v1"
DNS_PORT = 53
CLUSTER_API_PORTS = (443, 6443)
"""Of the Kubernetes API: as a Service, and as its pods listen."""
SCHEME_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "ssh": 22}
OUTSIDE = {
    "0.0.0.0/0": ["169.254.0.0/16", "100.100.100.200/32"],
    "::/0": ["fe80::/10", "fd00:ec2::254/128"],
}
"""Every address, without those by which clouds hand out a node's credentials: link-local ones, and those of Alibaba
(https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata) and of AWS by IPv6
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html)."""
URL = re.compile(r"\b(?:https?|postgresql|ssh)://[^\s\"'<>]+|\bgit@[\w.-]+:")
SMARTHOST = re.compile(r"smarthost: \S+:(\d+)")


@dataclass(frozen=True)
class Connection:
    """That some pods may open connections to others.

    Attributes:
        target: the workload that listens.
        ports: on which.
        callers: workloads of the namespace.
        monitoring: whether pods of the monitoring namespace may too.
        udp: whether by UDP as well as by TCP.
    """

    target: str
    ports: tuple[int, ...]
    callers: tuple[str, ...]
    monitoring: bool = False
    udp: bool = False


def network(cluster: ManifestContext) -> Iterator[Manifest]:
    """Nothing is reached, and nothing reaches out, but by these policies."""
    closed = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    yield cluster.object("NetworkPolicy", "default-deny", API) | {"spec": closed}
    table = connections(cluster)
    targets = {connection.target for connection in table}
    callers = {caller for connection in table for caller in connection.callers}
    for name in sorted(targets | callers | {EXPORTERS, "receiver", "page", "logs"}):
        if name == "agents" and not cluster.agents:
            continue
        ingress = [_ingress(cluster, connection) for connection in table if connection.target == name]
        egress = [_egress(connection) for connection in table if name in connection.callers]
        yield cluster.object("NetworkPolicy", name, API) | {
            "spec": {
                "podSelector": {"matchLabels": {"app.kubernetes.io/name": name}},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": ingress,
                "egress": [*egress, *_outside(cluster, name), *cluster.kubernetes.egress],
            }
        }


def connections(cluster: ManifestContext) -> list[Connection]:
    """Who reaches whom; agents reach the artifact service alone."""
    settings, monitoring, listen = cluster.settings, cluster.settings.monitoring, cluster.settings.monitoring.listen
    prometheus = ("prometheus",) if cluster.own_prometheus else ()
    scraped = not cluster.own_prometheus
    table = [
        Connection(f"{name}-exporter", (port_of(monitoring.sources[name].listen),), prometheus, scraped)
        for name in settings.sources
        if name not in settings.shared_sources
    ]
    if settings.shared_sources:
        table.append(Connection(EXPORTERS, (port_of(listen.exporters),), prometheus, scraped))
    if "artifacts" in settings.sources:
        agents = ("agents",) if cluster.agents else ()
        table.append(Connection(EXPORTERS, (port_of(listen.artifacts),), (*prometheus, *agents), scraped))
    # People come through an ingress, and Grafana reads logs and metrics: both are in the monitoring namespace.
    table.append(Connection("receiver", (port_of(listen.receiver),), ("alertmanager", *prometheus), monitoring=True))
    table += [
        Connection(name, (port_of(address),), prometheus, monitoring=True)
        for name, address in (("page", listen.page), ("logs", listen.logs))
    ]
    if cluster.own_prometheus:
        readers = ("prometheus", "page", "receiver")
        table.append(Connection("prometheus", (port_of(listen.prometheus),), readers, monitoring=True))
    notifiers = (*prometheus, "receiver")
    table.append(Connection("alertmanager", (port_of(listen.alertmanager),), notifiers, monitoring=True))
    if monitoring.alertmanager.peers:
        table.append(Connection("alertmanager", (GOSSIP_PORT,), ("alertmanager",), udp=True))
    return table


def outside_ports(cluster: ManifestContext) -> set[int]:
    """The ports of everything that the settings name by URL, and those of `kubernetes.egress_ports`."""
    texts = _texts(cluster.settings.model_dump(mode="json", exclude={"monitoring": {"kubernetes": {"journal"}}}))
    urls = [url for text in texts for url in URL.findall(text)]
    urls += URL.findall(cluster.brain or "")
    ports = {port for url in urls if (port := _port(url)) is not None}
    return ports | set(cluster.kubernetes.egress_ports)


def _port(url: str) -> int | None:
    """The port of a URL; None if it is of this machine or none can be read."""
    if url.startswith("git@"):
        return SCHEME_PORTS["ssh"]
    try:
        parts = urlsplit(url)
        return None if parts.hostname in LOCAL_HOSTS else parts.port or SCHEME_PORTS.get(parts.scheme)
    except ValueError:
        return None


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)


def _outside(cluster: ManifestContext, name: str) -> Iterator[Manifest]:
    """What a workload reaches outside the namespace: names, the ports of the settings, and its Prometheus."""
    yield {"ports": [{"port": DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")]}
    ports = outside_ports(cluster)
    if name == "receiver":
        journal = _port(cluster.kubernetes.journal) if len(cluster.settings.monitoring.receivers) > 1 else None
        ports |= {*CLUSTER_API_PORTS, *([journal] if journal else [])}
    if name in ("alertmanager", "receiver"):  # the receiver mails questions about actions itself
        ports |= {int(port) for text in cluster.provisioned.values() for port in SMARTHOST.findall(text)}
    if name == "agents" and cluster.settings.reports.mail.to:
        ports.add(cluster.settings.reports.mail.port)
    yield {
        "to": [{"ipBlock": {"cidr": cidr, "except": closed}} for cidr, closed in OUTSIDE.items()],
        "ports": [_tcp(port) for port in sorted(ports)],
    }
    if not cluster.own_prometheus and name in ("page", "receiver"):
        port = port_of(cluster.settings.monitoring.listen.prometheus)
        yield {"to": [_monitoring(cluster)], "ports": [_tcp(port)]}


def _ingress(cluster: ManifestContext, connection: Connection) -> Manifest:
    peers = [*map(_pods, connection.callers), *([_monitoring(cluster)] if connection.monitoring else [])]
    return {"from": peers, "ports": _ports(connection)}


def _egress(connection: Connection) -> Manifest:
    return {"to": [_pods(connection.target)], "ports": _ports(connection)}


def _ports(connection: Connection) -> list[Manifest]:
    protocols = ("TCP", "UDP") if connection.udp else ("TCP",)
    return [{"port": port, "protocol": protocol} for port in connection.ports for protocol in protocols]


def _tcp(port: int) -> Manifest:
    return {"port": port, "protocol": "TCP"}


def _pods(name: str) -> Manifest:
    return {"podSelector": {"matchLabels": {"app.kubernetes.io/name": name}}}


def _monitoring(cluster: ManifestContext) -> Manifest:
    label = {"kubernetes.io/metadata.name": cluster.kubernetes.monitoring_namespace}
    return {"namespaceSelector": {"matchLabels": label}}
