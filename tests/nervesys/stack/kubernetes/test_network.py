"""Network policies, judged as a cluster does: egress of the caller and ingress of the target both permit it."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import yaml

from nervesys.settings import load
from nervesys.stack.kubernetes.context import ManifestContext
from nervesys.stack.kubernetes.network import network, outside_ports
from nervesys.stack.kubernetes.overlays import Overlay
from tests.nervesys.stack.kubernetes.manifests import ROOT, of_kind, rendered

POLICIES = {overlay: of_kind(rendered(ROOT / "overlays" / overlay), "NetworkPolicy") for overlay in Overlay}
EXPORTER = {Overlay.SMALL: ("exporters", 17000), Overlay.LARGE: ("store-exporter", 17001)}


def reaches(overlay: Overlay, caller: str, target: str, port: int) -> bool:
    """Whether a pod of the namespace may open a connection to another one."""
    policies = POLICIES[overlay]
    label = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": target}}}
    out = policies.get(caller, {"spec": {}})["spec"].get("egress", ())
    source = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": caller}}}
    inward = policies.get(target, {"spec": {}})["spec"].get("ingress", ())
    return has(out, "to", label, port) and has(inward, "from", source, port)


def has(rules: Any, side: str, peer: dict[str, Any], port: int) -> bool:
    return any(
        peer in rule.get(side, ()) and {"port": port, "protocol": "TCP"} in rule.get("ports", ()) for rule in rules
    )


def outside(overlay: Overlay, name: str) -> set[int]:
    """The ports that a workload reaches at outside addresses."""
    rules = POLICIES[overlay][name]["spec"]["egress"]
    return {
        port["port"]
        for rule in rules
        if any("ipBlock" in peer for peer in rule.get("to", ()))
        for port in rule["ports"]
    }


@pytest.mark.parametrize("overlay", list(Overlay))
def test_agents_reach_the_artifact_service_and_no_other_program(overlay: Overlay) -> None:
    assert reaches(overlay, "agents", "exporters", 17011)
    closed = [("receiver", 17010), ("alertmanager", 9093), ("prometheus", 9090), ("page", 17080), ("logs", 17012)]
    assert not [name for name, port in [*closed, EXPORTER[overlay]] if reaches(overlay, "agents", name, port)]
    assert outside(overlay, "agents") == {443}


def test_the_programs_reach_what_they_call() -> None:
    calls = [
        ("prometheus", "exporters", 17000),
        ("prometheus", "receiver", 17010),
        ("prometheus", "page", 17080),
        ("prometheus", "logs", 17012),
        ("prometheus", "alertmanager", 9093),
        ("alertmanager", "receiver", 17010),
        ("receiver", "alertmanager", 9093),
        ("receiver", "prometheus", 9090),
        ("page", "prometheus", 9090),
    ]
    assert [call for call in calls if not reaches(Overlay.SMALL, *call)] == []
    large = [("alertmanager", "alertmanager", 9094), ("alertmanager", "receiver", 17010)]
    assert [call for call in large if not reaches(Overlay.LARGE, *call)] == []


def test_a_prometheus_in_another_namespace_is_reached_and_reaches_its_targets() -> None:
    policies = POLICIES[Overlay.LARGE]
    namespace = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    for name in ("page", "receiver"):
        assert has(policies[name]["spec"]["egress"], "to", namespace, 9090)
    for name, port in (("store-exporter", 17001), ("exporters", 17000), ("receiver", 17010), ("page", 17080)):
        assert has(policies[name]["spec"]["ingress"], "from", namespace, port)
    small = POLICIES[Overlay.SMALL]["exporters"]["spec"]["ingress"]
    assert not has(small, "from", namespace, 17000), "its own Prometheus alone scrapes"


def test_a_database_and_the_api_of_the_cluster_are_open_to_the_receiver_alone() -> None:
    assert outside(Overlay.LARGE, "receiver") == {443, 5432, 6443}
    assert outside(Overlay.SMALL, "receiver") == {443, 6443}
    assert {port for name in ("page", "logs", "exporters") for port in outside(Overlay.LARGE, name)} == {443}


def test_no_pod_reaches_the_addresses_with_a_nodes_credentials() -> None:
    for policies in POLICIES.values():
        blocks = [
            peer["ipBlock"]
            for policy in policies.values()
            for rule in policy["spec"].get("egress", ())
            for peer in rule.get("to", ())
            if "ipBlock" in peer
        ]
        assert {block["cidr"] for block in blocks} == {"0.0.0.0/0", "::/0"}
        for address in ("169.254.169.254", "100.100.100.200", "fd00:ec2::254"):
            ip = ip_address(address)
            for block in blocks:
                closed = map(ip_network, block["except"])
                assert ip not in ip_network(block["cidr"]) or any(ip in network for network in closed)


def test_ports_come_from_the_urls_of_the_settings_and_from_their_own_setting() -> None:
    settings = load(profile="kubernetes").settings
    kubernetes = settings.monitoring.kubernetes.model_copy(update={"egress_ports": (8443,), "egress": ({"to": []},)})
    storage = settings.storage.model_copy(
        update={"storj": settings.storage.storj.model_copy(update={"endpoint": "http://minio.example.org:9000"})}
    )
    monitoring = settings.monitoring.model_copy(update={"kubernetes": kubernetes})
    settings = settings.model_copy(update={"storage": storage, "monitoring": monitoring})
    text = yaml.safe_dump({"global": {"smtp_smarthost": "mail.example.org:587"}})
    cluster = ManifestContext(
        settings, "kubernetes", "git@example.org:b.git", (), {"alertmanager/a": text}, {}, "", True
    )
    assert outside_ports(cluster) == {8443, 9000, 22, 443}
    policies = {each["metadata"]["name"]: each["spec"] for each in network(cluster)}
    assert "agents" not in policies, "no pod would have it"
    assert policies["page"]["egress"][-1] == {"to": []}
    assert {name for name in policies if 587 in opened(policies[name])} == {"alertmanager", "receiver"}


def test_the_pods_that_mail_reports_reach_the_mail_server() -> None:
    settings = load(profile="kubernetes").settings
    mail = settings.reports.mail.model_copy(update={"to": ("operators@example.org",), "port": 2525})
    settings = settings.model_copy(update={"reports": settings.reports.model_copy(update={"mail": mail})})
    cluster = ManifestContext(settings, "kubernetes", None, ("grok",), {}, {}, "", True)
    policies = {each["metadata"]["name"]: each["spec"] for each in network(cluster)}
    assert {name for name in policies if 2525 in opened(policies[name])} == {"agents"}


def opened(policy: Any) -> set[int]:
    """All ports that a policy lets out to."""
    return {port["port"] for rule in policy.get("egress", ()) for port in rule.get("ports", ())}
