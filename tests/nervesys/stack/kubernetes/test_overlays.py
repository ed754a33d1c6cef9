"""The committed manifests: they are current, valid for each release of Kubernetes, and fit together.

Covers: nervesys.stack.kubernetes.access, nervesys.stack.kubernetes.context, nervesys.stack.kubernetes.foreign,
nervesys.stack.kubernetes.operator, nervesys.stack.kubernetes.programs.
"""

import re
from collections import Counter
from typing import Any

import kubernetes_validate
import pytest
import yaml

from alerting.receiver.local import LocalFile
from alerting.scrape_targets import jobs
from nervesys.settings import load
from nervesys.stack.kubernetes.foreign import IMAGES
from nervesys.stack.kubernetes.overlays import Overlay, place
from tests.deploy.native import compose
from tests.nervesys.stack.kubernetes.manifests import ROOT, Manifest, of_kind, pod_specs, rendered

RELEASES = ["1.29", "1.30", "1.31", "1.32", "1.33", "1.34"]
RENDERED = {overlay: rendered(ROOT / "overlays" / overlay) for overlay in Overlay}
OPERATOR = "monitoring.coreos.com/"
LARGEST_APPLIED = 256 << 10
"""Bytes of the annotation into which `kubectl apply` copies an object."""

overlays = pytest.mark.parametrize("overlay", list(Overlay))


@pytest.mark.parametrize("release", RELEASES)
def test_each_release_of_kubernetes_accepts_all_objects(release: str) -> None:
    every = {repr(_shape(each)): each for manifests in RENDERED.values() for each in manifests}
    for each in every.values():
        if not each["apiVersion"].startswith(OPERATOR):
            kubernetes_validate.validate(each, release, strict=True)


@overlays
def test_each_file_is_listed_and_each_object_is_there_once(overlay: Overlay) -> None:
    for folder in (ROOT / "base", ROOT / "overlays" / overlay):
        listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
        files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert files == set(listed) - {"../../base"}
    names = Counter((each["kind"], each["metadata"]["name"]) for each in RENDERED[overlay])
    assert [name for name, times in names.items() if times > 1] == []


@overlays
def test_every_object_is_in_the_namespace_and_small_enough_to_be_applied(overlay: Overlay) -> None:
    for each in RENDERED[overlay]:
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"] == "nervesys"
        assert len(yaml.safe_dump(each)) < LARGEST_APPLIED


@overlays
def test_containers_have_no_more_rights_than_they_need(overlay: Overlay) -> None:
    for name, spec in pod_specs(RENDERED[overlay]):
        context = spec["securityContext"]
        assert context["runAsNonRoot"]
        assert context["runAsUser"] == context["fsGroup"] != 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] == (name == "receiver"), "only it calls the cluster's API"
        assert not spec["enableServiceLinks"]
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
            assert name == "agents" or {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


@overlays
def test_what_a_pod_names_is_there_once(overlay: Overlay) -> None:
    manifests = RENDERED[overlay]
    maps, accounts = of_kind(manifests, "ConfigMap"), of_kind(manifests, "ServiceAccount")
    for name, spec in pod_specs(manifests):
        claims = [claim["metadata"]["name"] for claim in _workload(manifests, name).get("volumeClaimTemplates", ())]
        volumes = Counter([*claims, *(volume["name"] for volume in spec["volumes"])])
        assert set(volumes.values()) == {1}, f"two volumes of {name} have one name"
        assert spec["serviceAccountName"] in accounts
        ports = Counter(port["name"] for each in spec["containers"] for port in each.get("ports", ()))
        assert not ports or set(ports.values()) == {1}
        mounted: set[str] = set()
        for container in spec["containers"]:
            paths = [mount["mountPath"] for mount in container["volumeMounts"]]
            mounted |= {mount["name"] for mount in container["volumeMounts"]}
            assert not [path for path in paths if any(other.startswith(f"{path}/") for other in paths)], (
                "nothing can be mounted within a volume that is read-only"
            )
        assert mounted == set(volumes)
        named = [volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume]
        named += [each["configMapRef"]["name"] for made in spec["containers"] for each in made.get("envFrom", ())]
        assert set(named) <= maps.keys()


@overlays
def test_services_lead_to_pods_whose_policy_lets_them_in(overlay: Overlay) -> None:
    manifests = RENDERED[overlay]
    listening = {
        name: {port["containerPort"] for each in spec["containers"] for port in each.get("ports", ())}
        for name, spec in pod_specs(manifests)
    }
    allowed = {
        policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]: {
            port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]
        }
        for name, policy in of_kind(manifests, "NetworkPolicy").items()
        if name != "default-deny"
    }
    for each in of_kind(manifests, "Service").values():
        of = each["spec"]["selector"]["app.kubernetes.io/name"]
        for port in each["spec"].get("ports", ()):
            assert port["targetPort"] in listening[of] & allowed[of]
    assert {name: ports for name, ports in allowed.items() if ports} == {
        name: ports for name, ports in listening.items() if ports
    }


@overlays
def test_prometheus_and_the_programs_find_each_other_by_service_names(overlay: Overlay) -> None:
    manifests, settings = RENDERED[overlay], load(profile=overlay.profile).settings
    if overlay is Overlay.LARGE:
        settings = settings.model_copy(update={"monitoring": settings.monitoring.divide("store", 2)})
    addresses = {address for target in jobs(settings).values() for address in target.addresses}
    if overlay is Overlay.LARGE:
        addresses.remove(settings.monitoring.listen.prometheus)
    for address in {*addresses, settings.monitoring.listen.page}:
        _reaches(manifests, address)


def _reaches(manifests: list[Manifest], address: str) -> None:
    """There is a Service of this name and port, or a pod of a headless one."""
    services, sets = of_kind(manifests, "Service"), of_kind(manifests, "StatefulSet")
    host, _, port = address.rpartition(":")
    if "." not in host:
        assert services[host]["spec"]["ports"][0]["port"] == int(port)
        return
    pod, _, headless = host.partition(".")
    name, _, ordinal = pod.rpartition("-")
    first = sets[name]["spec"].get("ordinals", {}).get("start", 0)
    assert int(ordinal) in range(first, first + sets[name]["spec"]["replicas"])
    assert (name, services[headless]["spec"]["clusterIP"]) == (headless, "None")


@overlays
def test_the_receiver_may_delete_the_pods_of_agents_and_nothing_else(overlay: Overlay) -> None:
    manifests = RENDERED[overlay]
    replicas = _workload(manifests, "agents")["replicas"]
    (rule,) = of_kind(manifests, "Role")["nervesys-receiver"]["rules"]
    pods = [f"agents-{ordinal}" for ordinal in range(replicas)]
    assert rule == {"apiGroups": [""], "resources": ["pods"], "resourceNames": pods, "verbs": ["delete"]}
    text = of_kind(manifests, "ConfigMap")["nervesys-receiver-config"]["data"]["receiver.yaml"]
    local = yaml.safe_load(text)
    assert LocalFile.model_validate({key: value for key, value in local.items() if key != "token_file"}).drivers.pod
    places = of_kind(manifests, "ConfigMap")["nervesys-agents"]["data"]
    assert local["drivers"]["pod"]["pods"] == {name: pod for pod, name in places.items()}
    assert list(places) == pods
    assert set(places.values()) == set(load().agents)


def test_large_has_several_of_what_must_not_be_alone() -> None:
    manifests = RENDERED[Overlay.LARGE]
    counts = {name: each["spec"]["replicas"] for name, each in of_kind(manifests, "StatefulSet").items()}
    assert [counts[name] for name in ("store-exporter", "receiver", "alertmanager", "exporters")] == [2, 2, 2, 1]
    assert {name for name, count in counts.items() if count > 1} == of_kind(manifests, "PodDisruptionBudget").keys()
    (store,) = next(spec["containers"] for name, spec in pod_specs(manifests) if name == "store-exporter")
    assert "--shard=$(SHARD)/2" in store["args"]
    (alertmanager,) = next(spec["containers"] for name, spec in pod_specs(manifests) if name == "alertmanager")
    peers = [word for word in alertmanager["args"] if word.startswith("--cluster.peer=")]
    assert peers == [f"--cluster.peer=alertmanager-{number}.alertmanager:9094" for number in (0, 1)]
    assert "prometheus" not in counts, "it is the operator's"


def test_the_operator_gets_the_rules_and_routes_that_the_files_have() -> None:
    large, own = RENDERED[Overlay.LARGE], of_kind(RENDERED[Overlay.SMALL], "ConfigMap")["nervesys-prometheus"]["data"]
    rules = of_kind(large, "PrometheusRule")
    alerts = [_names(rules[name]["spec"]) for name in ("nervesys", "nervesys-recording")]
    assert alerts == [_names(yaml.safe_load(own[f"rules.{name}.yml"])) for name in ("nervesys", "recording")]
    (config,) = rendered(ROOT / "operator-alertmanager")
    written = yaml.safe_load(of_kind(large, "ConfigMap")["nervesys-alertmanager"]["data"]["alertmanager.yml"])
    assert [route["receiver"] for route in config["spec"]["route"]["routes"]] == [
        route["receiver"] for route in written["route"]["routes"]
    ]
    assert len(config["spec"]["inhibitRules"]) == len(written["inhibit_rules"])
    webhook = config["spec"]["receivers"][1]["webhookConfigs"][0]
    assert webhook["httpConfig"]["authorization"]["credentials"] == {
        "name": "nervesys-alertmanager",
        "key": "receiver_token",
    }
    assert all(re.fullmatch("[a-z][A-Za-z]*", key) for key in _keys(config["spec"]))


def test_the_operator_scrapes_every_job() -> None:
    large = RENDERED[Overlay.LARGE]
    found = {each["metadata"]["labels"].get("nervesys.io/job") for each in of_kind(large, "Service").values()}
    for monitor in of_kind(large, "ServiceMonitor").values():
        for endpoint in monitor["spec"]["endpoints"]:
            found |= {rule["replacement"] for rule in endpoint["relabelings"] if rule["targetLabel"] == "job"}
    settings = load(profile=Overlay.LARGE.profile).settings
    assert found - {None} == set(
        jobs(settings.model_copy(update={"monitoring": settings.monitoring.divide("store", 2)}))
    )


def test_images_are_those_of_compose() -> None:
    services = compose({})["services"]
    assert {name: services[name]["image"] for name in IMAGES} == IMAGES


@pytest.mark.parametrize(
    ("wanted", "before", "placed"),
    [
        pytest.param(["a", "b"], [], ["a", "b"], id="at first in the order of their names"),
        pytest.param(["a", "b", "c"], ["b", "c"], ["b", "c", "a"], id="a new agent comes last"),
        pytest.param(["a", "c", "d"], ["a", "b", "c", "d"], ["a", "d", "c"], id="the last takes a free place"),
        pytest.param(["a", "n"], ["a", "b"], ["a", "n"], id="so does a new agent"),
        pytest.param(["b"], ["a", "b", "c"], ["b"], id="several are gone"),
        pytest.param([], ["a"], [], id="all are gone"),
    ],
)
def test_agents_keep_their_pods(wanted: list[str], before: list[str], placed: list[str]) -> None:
    assert place(wanted, before) == placed


def _shape(value: Any) -> Any:
    """Keys and kinds of values; of objects with one shape one is enough, for a schema is loaded anew for each."""
    if isinstance(value, dict):
        return {key: value[key] if key in {"apiVersion", "kind"} else _shape(value[key]) for key in value}
    return sorted({repr(_shape(item)) for item in value}) if isinstance(value, list) else type(value).__name__


def _workload(manifests: list[Manifest], name: str) -> Manifest:
    spec: Manifest = of_kind(manifests, "StatefulSet", "Deployment")[name]["spec"]
    return spec


def _names(groups: Manifest) -> list[list[str]]:
    return [[rule.get("alert") or rule["record"] for rule in group["rules"]] for group in groups["groups"]]


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_keys, value))
    return set(value).union(*map(_keys, value.values())) if isinstance(value, dict) else set()


def test_prometheus_has_the_features_of_the_one_in_compose() -> None:
    (container,) = next(spec for name, spec in pod_specs(RENDERED[Overlay.SMALL]) if name == "prometheus")["containers"]
    command = compose({})["services"]["prometheus"]["command"]
    features = [word for word in command if word.startswith("--enable-feature=")]
    assert features
    assert set(features) <= set(container["args"])


@overlays
def test_the_page_and_the_logs_can_read_the_store(overlay: Overlay) -> None:
    specs = dict(pod_specs(RENDERED[overlay]))
    for name in ("page", "logs"):
        names = {each["name"] for each in specs[name]["containers"][0]["env"]}
        assert {"STORJ_ACCESS_KEY_FILE", "STORJ_SECRET_KEY_FILE"} <= names
