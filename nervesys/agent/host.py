"""Load of the server and resource usage of the agent, read through psutil."""

import ctypes
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from nervesys.agent.anomaly import AnomalyScorer
from nervesys.contract.state import Anomalies, NetworkIo, ServerMetrics, Usage

MB = 1_000_000


class Host:
    """Reads the server's load.

    Args:
        server: its name.
        agent: name of the agent that reads it.
        disk: a path on the disk whose usage is measured.
    """

    def __init__(self, server: str, agent: str, disk: Path) -> None:
        self._server, self._agent, self._disk = server, agent, disk
        self._anomaly_scorer = AnomalyScorer()
        self._before: tuple[float, NetworkIo] | None = None
        psutil.cpu_percent()  # opens the interval that the next call closes
        self._own = psutil.Process()
        self._last_usage = self._cpu_seconds(), time.monotonic()

    def metrics(self, now: float, buffer_bytes: int) -> ServerMetrics:
        """The current load; CPU is the mean since the last call.

        Args:
            now: Unix seconds.
            buffer_bytes: size of the agent's log buffer.
        """
        network, load = psutil.net_io_counters(), psutil.getloadavg()
        metrics = ServerMetrics(
            timestamp=now,
            server=self._server,
            agent_id=self._agent,
            cpu_percent=psutil.cpu_percent(),
            memory_percent=psutil.virtual_memory().percent,
            disk_percent=psutil.disk_usage(str(self._disk)).percent,
            network_io=NetworkIo(rx_bytes=network.bytes_recv, tx_bytes=network.bytes_sent),
            load_1m=round(load[0], 2),
            load_5m=round(load[1], 2),
            load_15m=round(load[2], 2),
            buffer_size_mb=round(buffer_bytes / MB, 3),
            uptime_seconds=max(0.0, round(now - psutil.boot_time())),
        )
        return metrics.model_copy(update={"anomalies": self._anomalies(metrics)})

    def _anomalies(self, metrics: ServerMetrics) -> Anomalies:
        values = {"cpu": metrics.cpu_percent, "memory": metrics.memory_percent, "disk": metrics.disk_percent}
        now, network = metrics.timestamp, metrics.network_io or NetworkIo()
        if self._before and now > (then := self._before[0]):
            before = self._before[1]
            values["receive"] = ((network.rx_bytes or 0) - (before.rx_bytes or 0)) / (now - then)
            values["transmit"] = ((network.tx_bytes or 0) - (before.tx_bytes or 0)) / (now - then)
        self._before = now, network
        present = {name: value for name, value in values.items() if value is not None}
        return Anomalies.model_validate(self._anomaly_scorer.scores(present))

    def usage(self) -> Usage:
        """CPU and memory of the agent and its child processes; CPU is the mean since the last call."""
        (before, at), self._last_usage = self._last_usage, (self._cpu_seconds(), time.monotonic())
        used, now = self._last_usage
        memory = 0
        for process in self._own_processes():
            with suppress(psutil.Error):
                memory += process.memory_info().rss
        share = max(0.0, used - before) / max(now - at, 1e-3)  # negative after a child process ended
        return Usage(cpu_percent=round(100 * share, 2), memory_bytes=memory)

    def _cpu_seconds(self) -> float:
        seconds = 0.0
        for process in self._own_processes():
            with suppress(psutil.Error):
                times = process.cpu_times()
                seconds += times.user + times.system
        return seconds

    def _own_processes(self) -> Iterator[psutil.Process]:
        yield self._own
        with suppress(psutil.Error):
            yield from self._own.children(recursive=True)


def trim_memory() -> None:
    """Return freed memory to the system, if the C library supports it (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
