"""Our own services of docker-compose.yml, their commands, environment and volumes as they stand, run natively.

Covers: commands.compose_init, commands.receiver.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APART = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"]


@pytest.mark.e2e
@pytest.mark.skipif(
    subprocess.run([*APART, "true"], capture_output=True, check=False).returncode != 0,
    reason="this machine allows no user namespaces",
)
def test_every_service_of_ours_passes_its_own_health_test(tmp_path: Path) -> None:
    done = subprocess.run(
        [*APART, sys.executable, "-m", "tests.deploy.native", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=170,
    )
    well = json.loads(done.stdout)
    logs = {name: (tmp_path / f"{name}.log").read_text()[-2000:] for name, fine in well.items() if not fine}
    assert set(well) == {"init", "agents", "artifacts", "exporters", "logs", "page", "receiver", "s3"}
    assert logs == {}
