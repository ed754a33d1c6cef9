"""A real VictoriaMetrics that remembers the same hour as the Prometheus beside it."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.servers.victoria import victoria


@contextmanager
def remembering(folder: Path, text: str) -> Iterator[str]:
    """One that was sent OpenMetrics text; yields its URL."""
    folder.mkdir(exist_ok=True)
    with victoria(folder) as url:
        body = gzip.compress("".join(_in_milliseconds(text)).encode(), 1)
        headers = {"Content-Encoding": "gzip"}
        requests.post(f"{url}/api/v1/import/prometheus", data=body, headers=headers, timeout=60).raise_for_status()
        requests.get(f"{url}/internal/force_flush", timeout=60).raise_for_status()
        yield url


def _in_milliseconds(text: str) -> Iterator[str]:
    """Lines without comments; VictoriaMetrics reads instants in milliseconds."""
    for line in text.splitlines():
        if not line.startswith("#"):
            yield f"{line}000\n"
