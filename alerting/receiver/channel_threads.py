"""Threads for requests to channels: some for each, so that one that hangs delays neither another nor the receiver."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

EACH = 2
"""Threads of one channel."""

Result = TypeVar("Result")


class ChannelThreads:
    """Runs what blocks; apart from the threads of the event loop, in which the receiver looks at agents."""

    def __init__(self) -> None:
        self._pools: dict[str, ThreadPoolExecutor] = {}

    async def run(self, channel: str, work: Callable[[], Result]) -> Result:
        """Run work in a thread of a channel, as soon as one is free."""
        if channel not in self._pools:
            self._pools[channel] = ThreadPoolExecutor(EACH, "channel")
        return await asyncio.get_running_loop().run_in_executor(self._pools[channel], work)

    def close(self) -> None:
        """Let requests end that are under way, without waiting for them, and begin no other."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
