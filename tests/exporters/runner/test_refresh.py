"""What an area has put and rejected, and how much of that it remembers.

Covers: exporters.runner.refresh.
"""

import pytest

from exporters.runner import Refresh, refresh
from exporters.runner.refresh import SeriesBudget
from nervesys.errors import BadObject, Reason
from nervesys.metrics import Family
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


def test_an_exporter_with_too_many_series_keeps_what_it_shows_and_shows_nothing_new() -> None:
    family, budget, rejections = Family("a", "gauge", "Help.", ("agent",)), SeriesBudget(3), Rejections(lambda *_: None)
    first, second = (Refresh([family], rejections, budget) for _ in range(2))
    for agent in ("a", "b"):
        first.put(agent, 1, [family.sample(1, agent)])
    for agent in ("c", "d"):
        second.put(agent, 1, [family.sample(1, agent)])
    first.put("a", 2, [family.sample(2, "a")])
    assert first.snapshot().plain.endswith(b'{agent="a"} 2\nnervesys_a{agent="b"} 1\n')
    assert b"c" in second.snapshot().plain
    assert rejections.all == [(Reason.LABEL_LIMIT, "d")]
    first.keep_only(["a"])
    second.put("d", 1, [family.sample(1, "d")])
    assert second.snapshot().series == 2, "there is room again"
