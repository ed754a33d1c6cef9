"""Selectors are checked against a running Prometheus."""

from dataclasses import dataclass

from alerting.generate.live import EXPECTED_ABSENT, check_selectors
from alerting.generate.rules import Rule, evaluated_rules
from alerting.model import read_alerts
from nervesys.clients.prometheus import Prometheus, Series
from nervesys.settings import FolderTree, load, shipped_root
from tests.alerting.compilers import compiler_of

ALERTS = read_alerts(FolderTree(shipped_root()))[0]
RULES = evaluated_rules(compiler_of(load().settings), ALERTS)


@dataclass(frozen=True)
class Holding(Prometheus):
    """A Prometheus that holds what its selectors name."""

    selectors: tuple[str, ...] = ()

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        return [Series({}, ((0, 1),))] if expr.removeprefix("count(").removesuffix(")") in self.selectors else []


def of(name: str) -> list[Rule]:
    return [rule for rule in RULES if rule.alert.name == name]


def test_what_an_alert_looks_at_must_be_there() -> None:
    prometheus = Holding("", selectors=("nervesys_exporter_series",))
    (answer,) = check_selectors(prometheus, of("Too Many Series"))
    assert (answer.there, answer.fine, answer.alerts) == (True, True, ("Too Many Series",))
    (answer,) = check_selectors(Holding(""), of("Too Many Series"))
    assert (answer.there, answer.fine) == (False, False)


def test_some_of_it_may_be_absent_with_a_reason() -> None:
    (answer,) = check_selectors(Holding(""), of("Action Escalated"))
    assert (answer.fine, answer.reason) == (True, "it has not happened yet")


def test_every_reason_is_for_something_that_is_asked() -> None:
    assert set(EXPECTED_ABSENT) <= {answer.selector for answer in check_selectors(Holding(""), RULES)}
