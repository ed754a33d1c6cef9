"""A check is repeated until it passes, or until the time is up."""

import pytest

from commands.poll import poll_until


@pytest.mark.parametrize(("wait", "last"), [(0, [False]), (60, [True])])
def test_a_check_is_repeated_within_its_time(wait: float, last: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    results = iter([[False], [False], [True]])
    monkeypatch.setattr("commands.poll.time.sleep", lambda _: None)
    assert poll_until(lambda: next(results), bool, wait) == last
