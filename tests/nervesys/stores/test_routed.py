"""Areas with credentials of their own: two real servers stand for two accesses, each knows only its own keys."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from nervesys.errors import StoreUnavailable
from nervesys.settings.storage import StoreAccessSettings
from nervesys.stores.open_stores import open_store
from nervesys.stores.routed import RoutedStore
from nervesys.stores.s3 import S3Store
from tests.servers.fixtures import rclone_endpoint
from tests.servers.s3 import settings_of
from tests.stores import FolderStore

__all__ = ["rclone_endpoint"]


def test_each_key_goes_the_way_that_is_meant_for_it(tmp_path: Path) -> None:
    common, logs = FolderStore(tmp_path / "common"), FolderStore(tmp_path / "logs")
    store = RoutedStore(common, {"db/active_logs/": logs})
    for folder in ("common", "logs"):
        (tmp_path / folder).mkdir()
    store.put("db/active_logs/host/a.gz", b"log")
    store.put("db/agents/grok_state.json", b"state")
    assert [info.key for info in logs.list("").objects] == ["db/active_logs/host/a.gz"]
    assert [info.key for info in common.list("").objects] == ["db/agents/grok_state.json"]
    assert store.get("db/active_logs/host/a.gz", max_bytes=9) == b"log"
    with store.open("db/active_logs/host/a.gz") as stream:
        assert stream.read() == b"log"
    assert len(store.list("db/active_logs/").objects) == 1
    store.delete("db/active_logs/host/a.gz")
    assert store.list("db/active_logs/").objects == ()


def test_credentials_of_an_area_open_that_area_alone(rclone_endpoint: str) -> None:
    settings = settings_of(rclone_endpoint)
    wrong = StoreAccessSettings(secret_key=SecretStr("a key that opens nothing"))
    store = open_store(settings.model_copy(update={"logs": wrong}))
    store.put("db/agents/grok_state.json", b"{}")
    with pytest.raises(StoreUnavailable, match="SignatureDoesNotMatch"):
        store.put("db/active_logs/host/a.gz", b"log")
    closed = settings.model_copy(
        update={"secret_key": wrong.secret_key, "databases": StoreAccessSettings(secret_key=settings.secret_key)}
    )
    store = open_store(closed)
    store.put("databases/grok/memory/x", b"rows")
    with pytest.raises(StoreUnavailable):
        store.put("db/agents/grok_state.json", b"{}")


def test_where_nothing_is_apart_there_is_one_client(rclone_endpoint: str) -> None:
    assert isinstance(open_store(settings_of(rclone_endpoint)), S3Store)
