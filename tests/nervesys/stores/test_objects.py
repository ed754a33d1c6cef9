"""What every object store does alike: a folder, the real rclone and moto, each of these also as Storj behaves.

Covers: nervesys.stores.objects, nervesys.stores.s3.
"""

import logging
import tempfile
import tracemalloc
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest

from nervesys.errors import BadObject, Reason, StoreUnavailable
from nervesys.settings.storage import ExpirySettings
from nervesys.stores.objects import ObjectStore
from nervesys.stores.s3 import S3Store
from tests.servers.s3 import BUCKET, SECRET_KEY, client, free_port, settings_of
from tests.stores import FolderStore


@pytest.fixture(params=["folder", "rclone", "moto", "rclone_storj", "moto_storj"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderStore(tmp_path)
    return _opened(request.getfixturevalue(f"{request.param}_endpoint"))


@cache
def _opened(endpoint: str) -> S3Store:
    return S3Store(settings_of(endpoint))


@pytest.fixture
def folder() -> str:
    """A folder of its own for each test."""
    return f"t{uuid4().hex[:8]}/"


def test_what_is_put_is_listed_and_got(store: ObjectStore, folder: str) -> None:
    version = store.put(f"{folder}a.json", b"{}", content_type="application/json")
    (info,) = store.list(folder).objects
    assert (info.key, info.version, info.size) == (f"{folder}a.json", version, 2)
    assert info.modified > 1_700_000_000
    assert store.get(f"{folder}a.json", max_bytes=2) == b"{}"


@pytest.mark.parametrize("server", ["rclone", "moto"])
def test_only_what_may_expire_says_so_to_the_store(request: pytest.FixtureRequest, server: str) -> None:
    endpoint = request.getfixturevalue(f"{server}_endpoint")
    store = S3Store(settings_of(endpoint, expire_days=ExpirySettings(active_logs=60)))
    log, state = "db/active_logs/host-1/2026-01-31/101500_grok_1.jsonl.gz.age", "db/agents/grok_state.json"
    for key in (log, state):
        store.put(key, b"x")
        assert store.get(key, max_bytes=1) == b"x"
    metadata = [client(endpoint).head_object(Bucket=BUCKET, Key=key)["Metadata"] for key in (log, state)]
    assert metadata[1] == {}
    assert metadata[0] == {"object-expires": "+1440h"} or server == "rclone", "rclone drops metadata"


def test_another_content_is_another_version(store: ObjectStore, folder: str) -> None:
    assert store.put(f"{folder}a", b"1") != store.put(f"{folder}a", b"2")


def test_a_listing_is_complete_however_many_pages(store: ObjectStore, folder: str) -> None:
    keys = {f"{folder}{name}/{number}.txt" for name in "ab" for number in range(5)} | {f"{folder}top é +&.txt"}
    for key in keys:
        store.put(key, b"x")
    assert {info.key for info in store.list(folder).objects} == keys


def test_one_level_names_its_folders(store: ObjectStore, folder: str) -> None:
    for key in ("a/1", "a/2", "b/c/3", "4"):
        store.put(folder + key, b"x")
    listing = store.list(folder, recursive=False)
    assert sorted(listing.folders) == [f"{folder}a/", f"{folder}b/"]
    assert [info.key for info in listing.objects] == [f"{folder}4"]


def test_an_empty_folder_is_no_error(store: ObjectStore, folder: str) -> None:
    assert store.list(folder).objects == ()
    assert store.list(folder, recursive=False).folders == ()


def test_a_prefix_that_ends_in_no_slash_is_refused_everywhere(store: ObjectStore) -> None:
    with pytest.raises(ValueError, match="ends in '/'"):
        store.list("db/age")


def test_a_missing_object_is_gone(store: ObjectStore, folder: str) -> None:
    with pytest.raises(BadObject) as bad:
        store.get(f"{folder}none", max_bytes=1)
    assert bad.value.reason is Reason.GONE
    with pytest.raises(BadObject), store.open(f"{folder}none"):
        pass


def test_a_body_over_its_limit_is_too_large(store: ObjectStore, folder: str) -> None:
    store.put(f"{folder}big", b"x" * 11)
    with pytest.raises(BadObject) as bad:
        store.get(f"{folder}big", max_bytes=10)
    assert bad.value.reason is Reason.TOO_LARGE


def test_of_a_body_over_its_limit_no_more_is_read(rclone_endpoint: str) -> None:
    """The server is a process of its own, so that the memory is ours."""
    store = _opened(rclone_endpoint)
    store.put("huge", bytes(16 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(BadObject, match="too_large"):
            store.get("huge", max_bytes=10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_bodies_arrive_whole_however_often_they_are_asked_for(store: ObjectStore, folder: str) -> None:
    body = bytes(range(256)) * 64
    store.put(f"{folder}body", body)
    for _ in range(4):
        assert store.get(f"{folder}body", max_bytes=len(body)) == body
        with store.open(f"{folder}body") as stream:
            assert stream.read() == body


def test_deleting_what_is_not_there_is_no_mistake(store: ObjectStore, folder: str) -> None:
    store.put(f"{folder}a", b"x")
    store.delete(f"{folder}a")
    store.delete(f"{folder}a")
    assert store.list(folder).objects == ()


def test_a_listing_has_the_clock_of_the_store(rclone_endpoint: str) -> None:
    clock = S3Store(settings_of(rclone_endpoint)).list("").clock
    assert clock is not None
    assert clock > 1_700_000_000


def test_a_body_has_the_date_of_its_own_response(store: ObjectStore, folder: str) -> None:
    store.put(f"{folder}a", b"x")
    (info,) = store.list(folder).objects
    body = store.get_dated(f"{folder}a", max_bytes=1)
    assert body.content == b"x"
    assert body.modified is not None
    assert abs(body.modified - info.modified) < 1


def test_wrong_credentials_raise_an_error_without_the_secret(
    rclone_endpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = S3Store(settings_of(rclone_endpoint, access_key=settings_of("").secret_key))
    with pytest.raises(StoreUnavailable) as refused:
        store.list("db/agents/")
    assert SECRET_KEY not in f"{refused.value}{caplog.text}"


def test_an_unreachable_store_is_named(tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(StoreUnavailable, match=f"list db/agents/ in bucket nervesys at {away}: cannot connect"):
        S3Store(settings_of(away)).list("db/agents/")
    with pytest.raises(StoreUnavailable, match="no folder"):
        FolderStore(tmp_path / "none").list("db/agents/")


def test_a_disk_that_takes_no_copy_is_named(rclone_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = _opened(rclone_endpoint)
    store.put("large", bytes(2 << 20))
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(StoreUnavailable, match="get large: No such file or directory"), store.open("large"):
        pytest.fail("it was opened")


def test_a_store_that_never_answers_costs_its_time_limit(silent_port: int) -> None:
    store = S3Store(settings_of(f"http://127.0.0.1:{silent_port}", timeout_seconds=0.2))
    with pytest.raises(StoreUnavailable, match=r"get a in bucket nervesys at .*: timed out"):
        store.get("a", max_bytes=1)


def test_without_keys_it_says_which_are_missing(rclone_endpoint: str) -> None:
    store = S3Store(settings_of(rclone_endpoint, access_key=None, secret_key=None))
    with pytest.raises(StoreUnavailable, match="no keys; set STORJ_ACCESS_KEY and STORJ_SECRET_KEY"):
        store.list("db/agents/")
