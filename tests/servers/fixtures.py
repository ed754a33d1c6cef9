"""Each server once a session; a conftest imports what its tests use."""

from collections.abc import Iterator

import pytest

from tests.servers import s3
from tests.servers.storj import storj_like


@pytest.fixture(scope="session")
def rclone_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real rclone over an empty folder."""
    with s3.rclone(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """moto with an empty bucket."""
    with s3.moto() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def rclone_storj_endpoint(rclone_endpoint: str) -> Iterator[str]:
    """rclone behind the proxy."""
    with storj_like(rclone_endpoint) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def moto_storj_endpoint(moto_endpoint: str) -> Iterator[str]:
    """moto behind the proxy."""
    with storj_like(moto_endpoint) as endpoint:
        yield endpoint
