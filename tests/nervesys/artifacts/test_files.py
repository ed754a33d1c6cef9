"""Contents in a folder and in buckets: the same by each, but for signed links.

Covers: nervesys.artifacts.files, nervesys.artifacts.open_artifacts.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from nervesys.artifacts.files import ContentStorage, ContentUnavailable
from nervesys.artifacts.open_artifacts import open_content_storage
from nervesys.errors import SettingsError
from nervesys.settings import load
from tests.servers import s3

ID = "01KATEST0000000000000000AB".replace("TEST", "7EST")


@pytest.fixture(params=["folder", "rclone", "moto"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ContentStorage]:
    if request.param == "folder":
        yield open_content_storage(tmp_path, load().settings)
        return
    settings = s3.settings_of(request.getfixturevalue(f"{request.param}_endpoint"))
    yield ContentStorage(f"s3://{settings.bucket}/artifacts-{os.getpid()}", settings)


def test_a_content_goes_in_comes_out_and_goes(files: ContentStorage) -> None:
    uri = f"{files.root}/2026-01-31/{ID}"
    assert files.size(uri) is None
    files.put(uri, io.BytesIO(b"x" * 3_000_000))
    assert files.size(uri) == 3_000_000
    with files.open(uri) as file:
        assert file.read(2) == b"xx"
    assert [(found.uri, found.size) for found in files.all()] == [(uri, 3_000_000)]
    assert next(iter(files.all())).modified > 1_700_000_000
    files.delete(uri)
    files.delete(uri)
    assert (files.size(uri), list(files.all())) == (None, [])
    with pytest.raises(ContentUnavailable, match="read"), files.open(uri):
        pass


def test_contents_from_before_a_move_to_a_bucket_or_back_stay_where_they_are(
    tmp_path: Path, rclone_endpoint: str
) -> None:
    settings = s3.settings_of(rclone_endpoint)
    folder = ContentStorage(f"file://{tmp_path}", settings)
    bucket = ContentStorage(f"s3://{settings.bucket}/artifacts-{os.getpid()}", settings)
    for before, after in ((folder, bucket), (bucket, folder)):
        uri = f"{before.root}/2026-01-31/{ID}"
        before.put(uri, io.BytesIO(b"kept"))
        assert after.checksum(uri) == before.checksum(uri)
        assert (after.size(uri), after.sign(uri, 60) is None) == (4, before is folder)
        after.delete(uri)
        assert before.size(uri) is None


def test_a_bucket_signs_links_that_open_without_a_key(files: ContentStorage) -> None:
    uri = f"{files.root}/2026-01-31/{ID}"
    files.put(uri, io.BytesIO(b"shared"))
    signed = files.sign(uri, 60)
    if files.root.startswith("file://"):
        assert signed is None
    else:
        assert signed is not None
        response = requests.get(signed, timeout=10)
        assert (response.status_code, response.content) == (200, b"shared")
        assert requests.get(signed.partition("?")[0], timeout=10).status_code >= 400
    files.delete(uri)


def test_wrong_places_are_named() -> None:
    with pytest.raises(SettingsError, match=r"artifacts\.files"):
        ContentStorage("ftp://host/x", load().settings.storage.storj)


def test_an_unreachable_bucket_is_an_error() -> None:
    settings = s3.settings_of(f"http://127.0.0.1:{s3.free_port()}", timeout_seconds=0.2)
    with pytest.raises(ContentUnavailable, match="look for s3://nowhere/x"):
        ContentStorage("s3://nowhere/x", settings).size("s3://nowhere/x")
