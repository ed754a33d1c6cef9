"""Several exporters of a source, several receivers and Alertmanagers: their addresses.

Covers: nervesys.settings.kubernetes.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from nervesys.errors import SettingsError
from nervesys.settings import FolderTree, Settings, load


def settings_of(folder: Path, monitoring: dict[str, Any], profile: str | None = None) -> Settings:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config/monitoring.yaml").write_text(yaml.safe_dump(monitoring))
    return load(FolderTree(folder), profile=profile).settings


def test_each_shard_has_an_address(tmp_path: Path) -> None:
    divided = {"sources": {"store": {"shards": 3}}, "exporter_shard_host": "{source}-{shard}.example.org"}
    monitoring = settings_of(tmp_path, divided).monitoring
    assert monitoring.exporters("store") == tuple(f"store-{number}.example.org:17001" for number in (1, 2, 3))
    assert monitoring.exporters("brain") == ("127.0.0.1:17003",)
    assert {"store-1.example.org", "store-3.example.org"} <= monitoring.hosts, "they are reached by these names"


@pytest.mark.parametrize("host", [None, "store.example.org"])
def test_shards_without_an_address_for_each_are_an_error(tmp_path: Path, host: str | None) -> None:
    with pytest.raises(SettingsError, match=r"sources\.store\.shards needs exporter_shard_host with \{shard\}"):
        settings_of(tmp_path, {"sources": {"store": {"shards": 2}}, "exporter_shard_host": host})


def test_the_large_profile_of_kubernetes_has_several_of_each() -> None:
    monitoring = load(profile="kubernetes,kubernetes-large").settings.monitoring
    divided = monitoring.divide("store", 2)
    assert divided.exporters("store") == tuple(f"store-exporter-{number}.store-exporter:17001" for number in (1, 2))
    assert monitoring.receivers == ("receiver-0.receiver:17010", "receiver-1.receiver:17010")
    assert monitoring.alertmanagers == ("alertmanager-0.alertmanager:9093", "alertmanager-1.alertmanager:9093")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"journal": "postgresql://nervesys:secret@db/journal"}, "must be postgresql://USER@HOST/NAME"),
        ({"resources": {"page": {"cpu": "much", "memory": "1Gi"}}}, "must be a quantity"),
        ({"namespace": "Nervesys"}, "must be 1 to 63 of a-z 0-9 -"),
    ],
)
def test_a_wrong_value_of_the_manifests_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        settings_of(tmp_path, {"kubernetes": change})
    assert "secret" not in str(caught.value)
