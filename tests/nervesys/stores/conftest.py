"""Shared by the tests of the stores."""

import socket
from collections.abc import Iterator

import pytest

from tests import drive_mock
from tests.servers.fixtures import moto_endpoint, moto_storj_endpoint, rclone_endpoint, rclone_storj_endpoint

__all__ = ["moto_endpoint", "moto_storj_endpoint", "rclone_endpoint", "rclone_storj_endpoint"]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="session")
def drive_url() -> Iterator[str]:
    """The address of a running emulator of Google Drive."""
    with drive_mock.running() as url:
        yield url
