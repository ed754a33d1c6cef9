"""docker-compose.yml against the Compose Specification, the facts of its images, and our own promises.

No container engine runs here: what the images do is taken from the table below, and what our own services do is run
natively in `test_compose_services.py`.
"""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from alerting.scrape_targets import jobs
from nervesys import __version__
from nervesys.settings import load
from tests.deploy.native import compose, is_ours

ROOT = Path(__file__).parents[2]
COMPOSE = compose({})
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if is_ours(service)}

IMAGES = {
    # image: (port it listens on, words its health test must hold); as their documentation says, autumn 2026
    "grafana/grafana:13.3.0": (3000, "http://127.0.0.1:3000/api/health"),
    "prom/alertmanager:v0.34.1": (9093, "http://127.0.0.1:9093/-/ready"),
    "prom/prometheus:v3.15.0": (9090, "http://127.0.0.1:9090/-/ready"),
    "wollomatic/socket-proxy:1.12.2": (2375, "./healthcheck"),
}

DOCKER = "/var/run/docker.sock"
NOTHING = "/dev/null"
"""Lies where a secret would that nobody gave."""

SECRETS = {
    "init": (  # it makes them
        *("store", "agents-store", "artifacts", "agents-artifacts"),
        *("receiver", "supervisor", "supervisord", "grafana"),
    ),
    "s3": ("store", "agents-store"),
    "agents": ("store", "supervisor", "artifacts", "age"),  # they archive what others wrote
    "artifacts": ("store", "artifacts"),
    "exporters": ("store", "age"),
    "logs": ("store", "age"),
    "page": ("store", "age"),
    "backfill": ("store", "age"),
    "receiver": ("store", "receiver", "supervisor", "age"),  # it shows last words
    "backup": (  # only when it is called
        *("store", "agents-store", "artifacts", "agents-artifacts"),
        *("receiver", "supervisor", "grafana", "age"),
    ),
    "secrets": ("store", "artifacts", "agents-artifacts", "receiver", "supervisor"),  # likewise
    "alertmanager": ("receiver",),
    "grafana": ("grafana",),
}


def test_it_follows_the_compose_specification() -> None:
    """The schema is the copy that check-jsonschema ships (its version stands in requirements.lock)."""
    schema = json.loads(files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(COMPOSE)] == []


def test_every_foreign_image_is_pinned_and_checked_as_its_table_says() -> None:
    foreign = {name: service for name, service in SERVICES.items() if name not in OURS}
    lasting = [service for name, service in foreign.items() if service["restart"] != "no" and name != "backfill-blocks"]
    assert sorted(service["image"] for service in lasting) == sorted(IMAGES)
    assert {service["image"] for service in foreign.values()} == set(IMAGES)
    for service in lasting:
        port, health = IMAGES[service["image"]]
        assert health in service["healthcheck"]["test"]
        assert all(str(published).endswith(f":{port}") for published in service.get("ports", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_no_more_rights_than_they_need(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert "no-new-privileges:true" in service["security_opt"]
    assert not re.match(r"root|0(:|$)", service["user"])
    assert name not in OURS or service["user"] == "10001:10001"


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_a_home_that_can_be_written_to(name: str) -> None:
    service = SERVICES[name]
    if "entrypoint" not in service or name == "agents":
        home = service["environment"].get("NERVESYS_HOME", "/nervesys")
        mounts = [target for _, target, mode in map(_volume, service["volumes"]) if mode == "rw"]
        assert any(f"{home}/".startswith(f"{place}/") for place in (*mounts, *service["tmpfs"]))


@pytest.mark.parametrize("name", SERVICES)
def test_memory_processes_and_logs_of_services_are_limited(name: str) -> None:
    service = SERVICES[name]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()


def test_each_image_of_ours_is_built_once_and_pulled_from_nowhere() -> None:
    built = {name: service for name, service in OURS.items() if "build" in service}
    assert built.keys() == {"init", "s3"}
    assert all(service["pull_policy"] == "never" for name, service in OURS.items() if name not in built)


def test_images_carry_the_version_of_the_package() -> None:
    assert f"ARG VERSION={__version__}\n" in (ROOT / "Dockerfile").read_text()
    assert {service["image"].partition(":")[2] for service in OURS.values()} == {__version__}


def test_addresses_and_ports_can_be_changed() -> None:
    changed = {"NERVESYS_ADDRESS": "10.0.0.1", "NERVESYS_GRAFANA_PORT": "80"}
    services = compose(changed)["services"]
    assert services["grafana"]["ports"] == ["10.0.0.1:80:3000"]
    assert services["grafana"]["environment"]["GF_SERVER_ROOT_URL"] == "http://10.0.0.1:80"
    assert all(port.startswith("10.0.0.1:") for service in services.values() for port in service.get("ports", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_waited_for_can_come(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if wait["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_gets_the_secrets_that_it_needs_and_no_other(name: str) -> None:
    service = SERVICES[name]
    mounted = {target for _, target, _ in map(_volume, service.get("volumes", ())) if target.startswith("/secrets/")}
    assert mounted == {f"/secrets/{kind}" for kind in SECRETS.get(name, ())}
    text = json.dumps([service.get(key) for key in ("environment", "command", "entrypoint")]) + _mounted_files(service)
    assert set(re.findall(r"/secrets/[\w-]+", text)) <= mounted
    for variable in service.get("environment", {}):
        assert variable.endswith("_FILE") or not re.search("PASSWORD|TOKEN|SECRET|ACCESS_KEY", variable)


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_read_only_where_they_are_used(name: str) -> None:
    for _, target, mode in map(_volume, SERVICES[name].get("volumes", ())):
        if target.startswith("/secrets/"):
            replaces = name == "init" or (name == "secrets" and target != "/secrets/store")
            assert mode == ("rw" if replaces else "ro")


def test_an_age_identity_is_given_to_those_who_read_once_its_file_is_named() -> None:
    name = "NERVESYS_AGE_IDENTITY_FILE"
    off = {name: SERVICES["exporters"]["environment"][name]}
    assert off[name] == "", "no null, which would let the host's own through"
    assert load(environ=off).settings.storage.encryption.identity is None
    readers = {name for name, kinds in SECRETS.items() if "age" in kinds}
    for other, service in compose({name: "/etc/nervesys/nervesys.age"})["services"].items():
        assert ("/etc/nervesys/nervesys.age:/secrets/age:ro" in service.get("volumes", ())) == (other in readers)
        assert (service.get("environment", {}).get(name) == "/secrets/age") == (other in readers)


def test_the_override_for_a_fleet_takes_nothing_of_the_demo() -> None:
    """Each service that reads store, archive or brain is given the fleet's; the demo's own services do not start."""
    override = yaml.safe_load((ROOT / "docker-compose.fleet.yml").read_text())["services"]
    assert {name for name, service in override.items() if service.get("profiles") == ["demo"]} == {"s3", "agents"}
    assert override.keys() == OURS.keys()
    for name, service in override.items():
        assert "profiles" in service or service["environment"]["NERVESYS_BRAIN"].startswith("${NERVESYS_BRAIN")
        assert not SERVICES[name].get("depends_on", {}).get("s3", {}).get("required", False)


def test_the_override_for_two_receivers_adds_one_of_each_and_a_database_as_closed_as_all_others() -> None:
    text = (ROOT / "docker-compose.ha.yml").read_text()
    override = yaml.safe_load(re.sub(r" !(reset|override)\b", "", text))["services"]
    monitoring = load(profile="local,compose,compose-ha").settings.monitoring
    members = {address.rpartition(":")[0] for address in (*monitoring.receivers, *monitoring.alertmanagers)}
    assert override.keys() - SERVICES.keys() == {"postgres", "provisioning", "receiver-2", "alertmanager-2"}
    assert members == {"receiver", "receiver-2", "alertmanager", "alertmanager-2"}
    for name in ("receiver", "receiver-2", "backup"):
        assert override[name]["environment"]["NERVESYS_JOURNAL_URL"].startswith("${NERVESYS_JOURNAL_URL:-postgresql://")
    peers = {f"--cluster.peer={name}:9094" for name in ("alertmanager", "alertmanager-2")}
    assert all(peers <= set(override[name]["command"]) for name in ("alertmanager", "alertmanager-2"))
    database = override["postgres"]
    shared = ("read_only", "cap_drop", "security_opt", "logging", "restart")
    assert {key: database[key] for key in shared} == {key: SERVICES["s3"][key] for key in shared}
    assert database["mem_limit"]
    assert database["pids_limit"]
    assert "ports" not in database
    assert not {"POSTGRES_PASSWORD", "POSTGRES_HOST_AUTH_METHOD"} & database["environment"].keys()


def test_every_volume_is_used_and_every_used_volume_is_there() -> None:
    used = {source for service in SERVICES.values() for source, _, _ in map(_volume, service.get("volumes", ()))}
    assert {source for source in used if not source.startswith("./")} == {*COMPOSE["volumes"], DOCKER, NOTHING}
    assert all((ROOT / source).is_dir() for source in used if source.startswith("./"))


def test_dockers_socket_is_the_proxys_alone_and_the_proxy_lets_restarts_through_alone() -> None:
    assert [name for name, service in SERVICES.items() if DOCKER in str(service)] == ["docker-proxy"]
    beside = {name for name, service in SERVICES.items() if "docker-proxy" in service.get("networks", ())}
    assert beside == {"docker-proxy", "receiver"}
    proxy = SERVICES["docker-proxy"]
    allowed = [word for word in proxy["command"] if word.startswith("-allow") and word != "-allowhealthcheck"]
    assert allowed == ["-allowfrom=receiver", "-allowPOST=/containers/[a-zA-Z0-9_.-]+/restart"]
    assert (proxy["profiles"], proxy["networks"]) == (["docker"], ["docker-proxy"])
    assert COMPOSE["networks"] == {"docker-proxy": {"internal": True}}


def test_the_profile_finds_each_program_at_its_service() -> None:
    settings = load(profile="local,compose").settings
    scraped = [address for target in jobs(settings).values() for address in target.addresses]
    others = [address for key, address in settings.monitoring.listen if key != "page"]
    hosts = {address.rpartition(":")[0] for address in (*scraped, *others)}
    assert hosts <= set(SERVICES)


def _volume(text: str) -> tuple[str, str, str]:
    source, target, *mode = text.split(":")
    return source, target, mode[0] if mode else "rw"


def _mounted_files(service: dict[str, Any]) -> str:
    """What stands in the generated files that a service mounts, for they name secrets too."""
    folders = [ROOT / source for source, _, _ in map(_volume, service.get("volumes", ())) if source.startswith("./")]
    return "".join(
        path.read_text() for folder in folders for path in folder.rglob("*") if path.suffix in {".yml", ".yaml"}
    )
