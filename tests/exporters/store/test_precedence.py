"""The area `agents` goes first.

Covers: exporters.store.precedence.
"""

import threading
from pathlib import Path

import pytest

from exporters.runner import Refresh
from exporters.store import areas_of, precedence
from exporters.store.precedence import Precedence
from nervesys.stores.objects import Listing
from tests.exporters.kit import context
from tests.exporters.store.bucket import Bucket


def test_the_others_begin_no_request_while_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, opened = Bucket(tmp_path / "bucket"), context()
    areas = {area.name: area for area in areas_of(bucket, opened)}
    out = {name: Refresh(area.families, opened.health.reject) for name, area in areas.items()}
    logs = threading.Thread(target=areas["logs"].refresh, args=[out["logs"]])
    listing = bucket.list

    def list_while_logs_begin(prefix: str, *, recursive: bool = True) -> Listing:
        if prefix == "db/agents/":
            logs.start()
            logs.join(0.1)
            assert logs.is_alive()
            assert bucket.lists == []
        return listing(prefix, recursive=recursive)

    monkeypatch.setattr(bucket, "list", list_while_logs_begin)
    areas["agents"].refresh(out["agents"])
    logs.join(20)
    assert not logs.is_alive()
    assert bucket.lists[0] == "db/agents/"
    assert len(bucket.lists) > 1


def test_a_pass_that_hangs_or_fails_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST_WAIT_SECONDS", 0)
    order = Precedence()

    def hang(_: Refresh) -> None:
        order.wait()
        raise OSError

    with pytest.raises(OSError):
        order.of(hang)(Refresh((), lambda key, bad: None))
    order.wait()
