"""A channel that hangs delays neither another channel nor what the receiver does itself."""

import asyncio
import os
import threading

from alerting.receiver.channel_threads import ChannelThreads


def test_a_channel_that_hangs_takes_its_own_threads_alone() -> None:
    released = threading.Event()

    async def scene() -> tuple[str, str]:
        threads = ChannelThreads()
        hanging = [
            asyncio.create_task(threads.run("slow", released.wait)) for _ in range(2 * ((os.cpu_count() or 1) + 4))
        ]
        await asyncio.sleep(0)
        other = await threads.run("quick", lambda: "sent")
        own = await asyncio.to_thread(lambda: "healed")
        released.set()
        await asyncio.gather(*hanging)
        threads.close()
        return other, own

    assert asyncio.run(scene()) == ("sent", "healed")
