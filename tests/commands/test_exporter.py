"""`nervesys exporter`."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.commands.conftest import Run
from tests.servers.fixtures import rclone_endpoint
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, free_port

__all__ = ["rclone_endpoint"]


def credentials(endpoint: str, secret: str = SECRET_KEY) -> dict[str, str]:
    return {"STORJ_ENDPOINT": endpoint, "STORJ_ACCESS_KEY": ACCESS_KEY, "STORJ_SECRET_KEY": secret}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["nowhere"], "no source is named 'nowhere'", id="an unknown source"),
        pytest.param(["store,nowhere"], "no source is named 'nowhere'", id="an unknown source of several"),
        pytest.param([","], "no source is named ','", id="a list of none"),
        pytest.param(["store", "--shard", "5/4"], "--shard is NUMBER/COUNT", id="a shard out of range"),
    ],
)
def test_wrong_use(run: Run, arguments: list[str], problem: str) -> None:
    ran = run("exporter", *arguments)
    assert ran.code == 2
    assert problem in ran.out + ran.err


def test_it_serves_until_sigterm(rclone_endpoint: str, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    argv = [sys.executable, "-m", "nervesys", "exporter", "store", "--home", str(tmp_path)]
    environ = {**os.environ, **credentials(rclone_endpoint)}
    exporter = subprocess.Popen([*argv, "--listen", address], env=environ, stderr=subprocess.DEVNULL)
    try:
        text = _when_ready(f"http://{address}")
        assert 'nervesys_exporter_up{area="agents",source="store"} 1.0' in text
        second = subprocess.run([*argv, "--listen", address], env=environ, capture_output=True, text=True, timeout=60)
        assert second.returncode == 1
        assert "another store exporter" in second.stderr
        once = subprocess.run([*argv, "--once"], env=environ, capture_output=True, text=True, timeout=60)
        assert once.returncode == 0, "a single reading stands beside it"
        assert 'nervesys_store_objects{area="agents"} 0' in once.stdout
    finally:
        exporter.send_signal(signal.SIGTERM)
    assert exporter.wait(30) == 0


def test_once_exits_with_1_where_the_store_refuses(rclone_endpoint: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "nervesys", "exporter", "store", "--once", "--home", str(tmp_path)]
    environ = {**os.environ, **credentials(rclone_endpoint, "not-the-secret")}
    ran = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert 'nervesys_exporter_up{area="agents",source="store"} 0.0' in ran.stdout
    assert ran.stderr.splitlines()[-1].count("SignatureDoesNotMatch") == 1, "areas share their reason"
    assert "bucket nervesys at" in ran.stderr
    assert "not-the-secret" not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def _when_ready(url: str, source: str = "") -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if requests.get(f"{url}/-/ready{source}", timeout=5).ok:
                return requests.get(f"{url}/metrics{source}", timeout=5).text
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} is not ready")


def test_all_sources_share_a_process_and_one_that_cannot_be_opened_costs_no_other(
    rclone_endpoint: str, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{free_port()}"
    argv = [sys.executable, "-m", "nervesys", "exporter", "all", "--home", str(tmp_path), "--listen", address]
    (tmp_path / "cache/vitality.sqlite3").mkdir(parents=True)  # a folder where its cache should be
    exporter = subprocess.Popen(argv, env={**os.environ, **credentials(rclone_endpoint)}, stderr=subprocess.DEVNULL)
    try:
        for source in ("store", "brain", "workspace", "hygiene"):
            text = _when_ready(f"http://{address}", f"/{source}")
            assert f'source="{source}"' in text
            assert "process_resident" not in text, "the process has a page of its own"
        assert requests.get(f"http://{address}/metrics/vitality", timeout=5).status_code == 503
        joined = requests.get(f"http://{address}/metrics", timeout=5).text
        assert {'source="store"', 'source="brain"', "process_resident_memory_bytes "} <= set(
            re.findall(r'source="\w+"|process_resident_memory_bytes ', joined)
        )
        rebound = requests.get(f"http://{address}/metrics", headers={"host": "evil.example"}, timeout=5)
        assert rebound.status_code == 421
    finally:
        exporter.send_signal(signal.SIGTERM)
    assert exporter.wait(30) == 0


def test_where_each_source_has_its_own_process_none_is_left_for_all(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/monitoring.yaml").write_text("own_process: [all]\n")
    ran = run("exporter", "all", "--brain", str(tmp_path), "--home", str(tmp_path / "home"))
    assert ran.code == 2
    assert "no sources share a process" in ran.out + ran.err
