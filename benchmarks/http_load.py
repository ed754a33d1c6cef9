"""Sends requests over many connections that stay open, and remembers how long each took to be answered."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CONNECTIONS = 64


@dataclass(frozen=True)
class LoadResult:
    """The result of a run.

    Attributes:
        wall: seconds in all.
        taken: seconds of each answer, from when its request was to be sent.
    """

    wall: float
    taken: tuple[float, ...]

    @property
    def each(self) -> float:
        """Seconds for one request, with all connections in use."""
        return self.wall / len(self.taken)

    def quantile(self, share: float) -> float:
        """The answer time that so large a share of answers did not exceed."""
        return sorted(self.taken)[min(int(share * len(self.taken)), len(self.taken) - 1)]


def send(port: int, requests: Sequence[bytes], *, every: float = 0) -> LoadResult:
    """Send requests, over as many connections as are of use.

    Args:
        port: of the server.
        requests: whole, head and body.
        every: seconds between two of them; 0 sends each as soon as a connection is free.

    Raises:
        RuntimeError: an answer was not 200.
    """
    return asyncio.run(_send(port, requests, every))


async def _send(port: int, requests: Sequence[bytes], every: float) -> LoadResult:
    began = time.perf_counter()
    waiting = iter([(began + number * every, request) for number, request in enumerate(requests)])
    each = await asyncio.gather(*(_connection(port, waiting, paced=every > 0) for _ in range(CONNECTIONS)))
    return LoadResult(time.perf_counter() - began, tuple(taken for durations in each for taken in durations))


async def _connection(port: int, waiting: Iterator[tuple[float, bytes]], *, paced: bool) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = []
    for at, request in waiting:
        if paced:
            await asyncio.sleep(max(0, at - time.perf_counter()))
        began = at if paced else time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        taken.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()
    return taken
