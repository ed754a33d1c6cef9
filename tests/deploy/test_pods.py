"""Our programs, with exactly the arguments, the environment and the mounts of their pods, run natively."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nervesys.stack.kubernetes.overlays import Overlay
from tests.deploy.test_compose_services import APART, ROOT
from tests.servers.postgres import Postgres


@pytest.mark.e2e
@pytest.mark.skipif(
    subprocess.run([*APART, "true"], capture_output=True, check=False).returncode != 0,
    reason="this machine allows no user namespaces",
)
def test_every_pod_of_ours_answers_its_probe(postgresql: Postgres, tmp_path: Path) -> None:
    """Those of the overlay large, which has all programs of the small overlay, and the shards."""
    shutil.copytree(ROOT / "config", tmp_path / "brain/config")
    file = tmp_path / "brain/config/monitoring.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["kubernetes"] |= {
        "brain": "file:///brain/brain.git",
        "environment": {"STORJ_ENDPOINT": "http://s3:8333"},
        "journal": postgresql.socket_url(postgresql.database()),
    }
    file.write_text(yaml.safe_dump(settings))
    words = ["kubernetes", "build", "--overlay", Overlay.LARGE, "--dry-run", "--brain", str(tmp_path / "brain")]
    printed = subprocess.run([sys.executable, "-m", "nervesys", *words], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    (tmp_path / "manifests.yaml").write_bytes(printed.stdout)
    command = [*APART, sys.executable, "-m", "tests.deploy.pods", str(tmp_path), str(tmp_path / "manifests.yaml")]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=170)
    ready = json.loads(done.stdout)
    assert {"agents", "artifacts", "page", "receiver", "store-exporter", "exporters"} <= ready.keys()
    logs = {name: (tmp_path / f"{name}.log").read_text()[-2000:] for name, fine in ready.items() if not fine}
    assert logs == {}
