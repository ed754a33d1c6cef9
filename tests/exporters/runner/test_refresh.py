"""What an area has put and rejected, and how much of that it remembers.

Covers: exporters.runner.refresh.
"""

import pytest

from exporters.runner import Refresh, refresh
from nervesys.errors import BadObject, Reason
from tests.exporters.kit import Rejections

BAD = BadObject(Reason.BAD_KEY, "not of the template")


def rejecting() -> tuple[Refresh, Rejections]:
    rejections = Rejections(lambda *_: None)
    return Refresh((), rejections), rejections


def test_a_version_is_rejected_once_and_a_new_version_again() -> None:
    out, rejections = rejecting()
    for version in ("v1", "v1", "v2"):
        out.reject("key", version, BAD)
    assert len(rejections.all) == 2


def test_so_many_rejected_objects_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "REJECTED_LIMIT", 2)
    out, rejections = rejecting()
    for key in ("a", "b", "a", "b", "c", "c", "a"):  # `c` is one too many: all before it are forgotten
        out.reject(key, "v1", BAD)
    assert [key for _, key in rejections.all] == ["a", "b", "c", "a"]
