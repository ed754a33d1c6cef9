"""Web servers in processes of their own, so that whoever measures does not share their interpreter."""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from nervesys.metrics.pages import freeze_startup_objects
from tests.servers.s3 import free_port


@dataclass(frozen=True)
class ServerProcess:
    """A server that runs."""

    port: int
    pid: int


@contextmanager
def process(server: Callable[..., None], *arguments: object) -> Iterator[ServerProcess]:
    """Run `server(*arguments, port)` in a process of its own, until the block is left."""
    port = free_port()
    process_ = multiprocessing.get_context("spawn").Process(target=server, args=(*arguments, port), daemon=True)
    process_.start()
    try:
        _wait_for(port)
        yield ServerProcess(port, process_.pid or 0)
    finally:
        process_.terminate()
        process_.join(20)


def run(app: Starlette, port: int) -> None:
    """Serve as the project's programs do."""
    freeze_startup_objects()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


def _wait_for(port: int) -> None:
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nothing listens on {port}")
