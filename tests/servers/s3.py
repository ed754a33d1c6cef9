"""S3 servers: the real rclone over a folder, moto, and a proxy before either that behaves like Storj."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from nervesys.settings import load
from nervesys.settings.storage import StoreSettings
from nervesys.stack.programs import find

ACCESS_KEY, SECRET_KEY = "AKIDTEST", "a-secret-that-no-log-may-hold"
BUCKET = "nervesys"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_of(endpoint: str, **changes: object) -> StoreSettings:
    """The shipped settings, for a server of these tests."""
    return load().settings.storage.storj.model_copy(
        update={
            "endpoint": endpoint,
            "bucket": BUCKET,
            "access_key": SecretStr(ACCESS_KEY),
            "secret_key": SecretStr(SECRET_KEY),
            **changes,
        }
    )


@contextmanager
def rclone(folder: Path) -> Iterator[str]:
    """`rclone serve s3`; yields its endpoint."""
    (folder / BUCKET).mkdir(parents=True, exist_ok=True)
    port = free_port()
    server = subprocess.Popen(
        [find("rclone"), "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}", "--config", os.devnull],
        env={**os.environ, "RCLONE_AUTH_KEY": f'"{ACCESS_KEY},{SECRET_KEY}"'},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def moto() -> Iterator[str]:
    """moto's server; yields its endpoint."""
    from moto.server import ThreadedMotoServer  # not at the top: most tests import this module for `free_port` only

    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{server._port}"
    try:
        client(endpoint).create_bucket(Bucket=BUCKET)
        yield endpoint
    finally:
        server.stop()


def client(endpoint: str):  # type: ignore[no-untyped-def]  # boto3's own type depends on a stub package
    """A plain boto3 client."""
    import boto3

    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


def _wait_for(port: int, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < end, f"nothing listens on {port}"
            time.sleep(0.02)
        else:
            return
