"""`python -m benchmarks.fleet_prometheus`: what Prometheus and the store have to do for a simulated fleet.

The figures of docs/how-to/sizing.md: memory, processor, series, bytes a sample, and requests to the store a minute.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from benchmarks.simulator.stand import SOURCES, Stand, simulated_stand
from nervesys.stack.programs import find
from tests.servers.prometheus import PROGRAMS, wait_until
from tests.servers.s3 import free_port

RULES = Path(__file__).parents[1] / "provisioning/prometheus/rules"
SIZES = (10, 100, 1_000)


def measure(stand: Stand, seconds: float) -> Iterator[tuple[str, float]]:
    """Run the exporters and a Prometheus with our rules for a while; each figure with its name.

    Args:
        stand: a simulated fleet.
        seconds: after the exporters have their first snapshots.
    """
    for source in SOURCES:
        stand.run(source, "exporter", source)
    for source in SOURCES:
        stand.wait_for(source)
    prometheus, url = start_prometheus(stand)
    before, used, began = stand.requests(), sum(prometheus.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    minutes = (time.monotonic() - began) / 60
    for kind in ("LIST", "GET", "keys"):
        asked = sum(count - before.get(name, 0) for name, count in stand.requests().items() if name.startswith(kind))
        yield f"store: {kind} a minute", asked / minutes
    for name, program in stand.programs.items():
        yield f"{name}: resident MB", program.memory_info().rss / 2**20
    yield "prometheus: % of a core", (sum(prometheus.cpu_times()[:2]) - used) / minutes / 60 * 100
    head = httpx.get(f"{url}/api/v1/status/tsdb", timeout=60).json()["data"]["headStats"]
    yield "prometheus: series", head["numSeries"]
    yield "prometheus: samples a second", _value(url, "sum(scrape_samples_scraped) / 15")
    groups = httpx.get(f"{url}/api/v1/rules", timeout=60).json()["data"]["groups"]
    yield "prometheus: longest group of rules, s", max(group["evaluationTime"] for group in groups)
    yield "prometheus: bytes a sample", _bytes_a_sample(stand.folder, url)


def start_prometheus(stand: Stand) -> tuple[psutil.Popen, str]:
    """A Prometheus that scrapes the exporters and evaluates our rules; it ends with the stand."""
    scraped = [
        {"job_name": source, "static_configs": [{"targets": [address]}]} for source, address in stand.addresses.items()
    ]
    timing = {"scrape_interval": "15s", "scrape_timeout": "14s", "evaluation_interval": "15s"}
    config = {"global": timing, "rule_files": [f"{RULES}/*.yml"], "scrape_configs": scraped}
    (stand.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address, log = f"127.0.0.1:{free_port()}", stand.folder / "prometheus.log"
    words = (f"--config.file={stand.folder}/prometheus.yml", f"--storage.tsdb.path={stand.folder}/tsdb")
    options = (f"--web.listen-address={address}", "--web.enable-admin-api")
    with log.open("wb") as out:
        program = psutil.Popen([str(find("prometheus", PROGRAMS)), *words, *options], stdout=out, stderr=out)
    stand.programs["prometheus"] = program
    wait_until(f"http://{address}/-/ready", log)
    return program, f"http://{address}"


def _value(url: str, expr: str) -> float:
    result: list[dict[str, Any]] = httpx.get(f"{url}/api/v1/query", params={"query": expr}, timeout=60).json()["data"][
        "result"
    ]
    return float(result[0]["value"][1]) if result else 0


def _bytes_a_sample(folder: Path, url: str) -> float:
    """Of the chunks of a snapshot; blocks of two hours have longer chunks, and need less."""
    name = httpx.post(f"{url}/api/v1/admin/tsdb/snapshot", timeout=120).json()["data"]["name"]
    blocks = list((folder / "tsdb/snapshots" / name).glob("*/meta.json"))
    samples = sum(json.loads(meta.read_text())["stats"]["numSamples"] for meta in blocks)
    chunks = sum(file.stat().st_size for meta in blocks for file in (meta.parent / "chunks").iterdir())
    return chunks / samples if samples else 0


def main() -> None:
    """Print the figures of each size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_prometheus", description=__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=SIZES, help="sizes of fleets (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=5, help="of each (default: %(default)s)")
    options = parser.parse_args()
    for size in options.agents:
        with tempfile.TemporaryDirectory() as folder, simulated_stand(size, Path(folder)) as stand:
            for name, value in measure(stand, options.minutes * 60):
                sys.stdout.write(f"{size:>6} agents  {name}: {value:,.2f}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
