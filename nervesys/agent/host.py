"""The server as the agent sees it, through psutil."""

import ctypes
from pathlib import Path

import psutil

from nervesys.contract.state import NetworkIo, ServerMetrics

MB = 1_000_000


class Host:
    """Reads the machine's load.

    Args:
        server: its name.
        agent: the agent that looks.
        disk: a path on the disk that matters to the agent.
    """

    def __init__(self, server: str, agent: str, disk: Path) -> None:
        self._server, self._agent, self._disk = server, agent, disk
        psutil.cpu_percent()  # opens the interval that the next call closes

    def metrics(self, now: float, buffer_bytes: int) -> ServerMetrics:
        """The load now; CPU is the mean since the last call.

        Args:
            now: Unix seconds.
            buffer_bytes: what waits in the agent's buffer.
        """
        network = psutil.net_io_counters()
        return ServerMetrics(
            timestamp=now,
            server=self._server,
            agent_id=self._agent,
            cpu_percent=psutil.cpu_percent(),
            memory_percent=psutil.virtual_memory().percent,
            disk_percent=psutil.disk_usage(str(self._disk)).percent,
            network_io=NetworkIo(rx_bytes=network.bytes_recv, tx_bytes=network.bytes_sent),
            buffer_size_mb=round(buffer_bytes / MB, 3),
            uptime_seconds=max(0.0, round(now - psutil.boot_time())),
        )


def give_back() -> None:
    """Return memory that starting took and nobody needs any more to the system, where the C library can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
