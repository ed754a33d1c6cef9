"""Two that run under one name are told from one that is started anew."""

import pytest

from nervesys.contract import Instances
from nervesys.contract.instances import NAME_LIMIT, REMEMBERED


@pytest.mark.parametrize(
    ("spoken", "returns"),
    [
        pytest.param("", 0, id="nobody"),
        pytest.param("aaa", 0, id="one at work"),
        pytest.param("aabbb", 0, id="a restart"),
        pytest.param("abcdefghijkl", 0, id="an agent that crashes again and again"),
        pytest.param("aba", 1, id="the first came back"),
        pytest.param("abab", 2, id="both take turns"),
        pytest.param("abcab", 2, id="three take turns"),
    ],
)
def test_only_who_comes_back_counts(spoken: str, returns: int) -> None:
    heard = Instances()
    for at, instance in enumerate(spoken):
        heard = heard.heard(instance, at)
    assert heard.returns == returns
    assert heard.returned_at == (len(spoken) - 1 if returns else None)
    assert heard.speaker == spoken[-1:]


def test_what_is_said_without_a_name_tells_nothing() -> None:
    heard = Instances(("a",))
    assert heard.heard(None, 1) is heard.heard("", 1) is heard.heard("a", 1) is heard


def test_what_is_remembered_is_bounded() -> None:
    heard = Instances()
    for number in range(1000):
        heard = heard.heard(f"{number}{'x' * 1000}", number)
    assert len(heard.known) == REMEMBERED
    assert {len(name) for name in heard.known} == {NAME_LIMIT}


@pytest.mark.parametrize(("now", "alternate"), [(100, True), (130, True), (131, False), (69, False)])
def test_they_alternate_for_a_while_after_the_last_return(now: float, alternate: bool) -> None:
    assert Instances(("b", "a"), 1, 100).alternate(now, 30) is alternate
    assert not Instances(("b", "a")).alternate(now, 30)
