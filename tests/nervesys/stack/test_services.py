"""What runs on one machine, and where it is looked at."""

from pathlib import Path

import pytest

from nervesys.errors import SettingsError
from nervesys.settings import Settings, load
from nervesys.stack.new_home import PlannedTree
from nervesys.stack.services import demo_services, monitoring_services


def load_with(monitoring: str) -> Settings:
    return load(PlannedTree({"config/monitoring.yaml": monitoring.encode()})).settings


def test_pages_of_ours_are_https_where_a_certificate_is_set(tmp_path: Path) -> None:
    environ = {"NERVESYS_WEB_TLS_CERT": "/tls.crt", "NERVESYS_WEB_TLS_KEY": "/tls.key"}
    for settings, scheme in ((load(), "http"), (load(environ=environ), "https")):
        made = demo_services(tmp_path, settings.settings, ["grok"], Path)
        urls = {service.name: service.url or "" for service in made}
        assert urls["receiver"] == f"{scheme}://127.0.0.1:17010/"
        assert urls["exporters"].startswith(f"{scheme}://")
        assert (urls["prometheus"], urls["grok"]) == ("http://127.0.0.1:17090/", "")


@pytest.mark.parametrize("own", [[], ["store"], ["all"]], ids=" ".join)
def test_sources_share_a_process_unless_they_are_to_have_their_own(own: list[str], tmp_path: Path) -> None:
    settings = load_with(f"own_process: {own}")
    expected = settings.sources.keys() if own == ["all"] else set(own)
    services = {service.name: service for service in monitoring_services(tmp_path, settings, Path)}
    assert {name.removesuffix("-exporter") for name in services if name.endswith("-exporter")} == expected
    shared = tuple(name for name in settings.sources if name not in expected)
    assert ("exporters" in services) == bool(shared)
    if shared:
        assert services["exporters"].sources == shared
        assert services["exporters"].argv[-2:] == ("exporter", "all")


def test_each_shard_has_a_process(tmp_path: Path) -> None:
    settings = load_with('sources: {store: {shards: 2}}\nexporter_shard_host: "127.0.0.{shard}"')
    services = {service.name: service for service in monitoring_services(tmp_path, settings, Path)}
    for number in (1, 2):
        made = services[f"store-exporter-{number}"]
        address = f"127.0.0.{number}:17001"
        assert made.argv[-4:] == ("exporter", "store", f"--shard={number}/2", f"--listen={address}")
        assert made.address == address
    assert "store" not in services["exporters"].sources


def test_a_source_that_is_not_there_has_no_process() -> None:
    with pytest.raises(SettingsError, match="no source is named 'stores'; there are: store, "):
        load_with("own_process: [stores]")
