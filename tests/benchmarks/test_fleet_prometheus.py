"""The figures of the sizing guide, in short form: a Prometheus with our rules scrapes the exporters of a few agents."""

from pathlib import Path

from benchmarks.fleet_prometheus import measure
from benchmarks.simulator.stand import simulated_stand


def test_it_measures_prometheus_and_the_store(tmp_path: Path) -> None:
    with simulated_stand(3, tmp_path) as stand:
        figures = dict(measure(stand, 1))
    assert {"store: LIST a minute", "prometheus: series", "prometheus: bytes a sample"} <= figures.keys()
    assert all(figures[f"{name}: resident MB"] > 10 for name in ("store", "brain", "prometheus"))
