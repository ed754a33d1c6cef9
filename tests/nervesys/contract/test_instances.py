"""Two instances under one name are distinguished from one that restarts."""

import pytest

from nervesys.contract import Instances
from nervesys.contract.instances import NAME_LIMIT, REMEMBERED


@pytest.mark.parametrize(
    ("observed", "returns"),
    [
        pytest.param("", 0, id="nobody"),
        pytest.param("aaa", 0, id="one instance"),
        pytest.param("aabbb", 0, id="a restart"),
        pytest.param("abcdefghijkl", 0, id="an agent that crashes again and again"),
        pytest.param("aba", 1, id="the first came back"),
        pytest.param("abab", 2, id="both take turns"),
        pytest.param("abcab", 2, id="three take turns"),
    ],
)
def test_only_who_comes_back_counts(observed: str, returns: int) -> None:
    instances = Instances()
    for at, instance in enumerate(observed):
        instances = instances.observe(instance, at)
    assert instances.returns == returns
    assert instances.returned_at == (len(observed) - 1 if returns else None)
    assert instances.latest == observed[-1:]


def test_an_observation_without_an_instance_id_changes_nothing() -> None:
    instances = Instances(("a",))
    assert instances.observe(None, 1) is instances.observe("", 1) is instances.observe("a", 1) is instances


def test_what_is_remembered_is_bounded() -> None:
    instances = Instances()
    for number in range(1000):
        instances = instances.observe(f"{number}{'x' * 1000}", number)
    assert len(instances.known) == REMEMBERED
    assert {len(name) for name in instances.known} == {NAME_LIMIT}


@pytest.mark.parametrize(("now", "alternate"), [(100, True), (130, True), (131, False), (69, False)])
def test_they_alternate_for_a_while_after_the_last_return(now: float, alternate: bool) -> None:
    assert Instances(("b", "a"), 1, 100).is_alternating(now, 30) is alternate
    assert not Instances(("b", "a")).is_alternating(now, 30)
