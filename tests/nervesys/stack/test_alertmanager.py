"""The arguments of an Alertmanager, alone and in a cluster."""

from pathlib import Path

import yaml

from nervesys.settings import FolderTree, load
from nervesys.stack.alertmanager import arguments


def test_alone_it_opens_no_second_port() -> None:
    words = arguments(load().settings.monitoring, config="a.yml", data="/data", listen=":9093")
    assert words == (
        "--config.file=a.yml",
        "--storage.path=/data",
        "--web.listen-address=:9093",
        "--cluster.listen-address=",
    )


def test_members_of_a_cluster_name_each_other(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    peers = {"listen": {"alertmanager": "a:9093"}, "alertmanager": {"peers": ["b:9093", "c:9093"]}}
    (tmp_path / "config/monitoring.yaml").write_text(yaml.safe_dump(peers))
    words = arguments(load(FolderTree(tmp_path)).settings.monitoring, config="a.yml", data="/data", listen=":9093")
    assert words[3:] == (
        "--cluster.listen-address=0.0.0.0:9094",
        "--cluster.peer=a:9094",
        "--cluster.peer=b:9094",
        "--cluster.peer=c:9094",
    )
