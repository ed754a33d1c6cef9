"""Selectors are checked against a running Prometheus."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from alerting.generate.live import HISTOGRAM_SUFFIXES, check_selectors, find_refused_rules, optional_selectors
from alerting.generate.rules import Rule, evaluated_rules
from alerting.model import read_alerts
from commands.families import families, optional_areas
from nervesys.clients.prometheus import Prometheus, QueryFailed, Series
from nervesys.clients.promql import selections
from nervesys.metrics import Family, SourceArea
from nervesys.settings import FolderTree, load, shipped_root
from tests.alerting.compilers import compiler_of
from tests.servers.prometheus import prometheus

ALERTS = read_alerts(FolderTree(shipped_root()))[0]
RULES = evaluated_rules(compiler_of(load().settings), ALERTS)
OPTIONAL = optional_selectors(families(), optional_areas())


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
    (answer,) = check_selectors(prometheus, of("Too Many Series"), {})
    assert (answer.there, answer.fine, answer.alerts) == (True, True, ("Too Many Series",))
    (answer,) = check_selectors(Holding(""), of("Too Many Series"), {})
    assert (answer.there, answer.fine) == (False, False)


def test_some_of_it_may_be_absent_with_a_reason() -> None:
    (answer,) = check_selectors(Holding(""), of("Action Escalated"), OPTIONAL)
    assert (answer.fine, answer.reason) == (True, "it has not happened yet")


def test_every_reason_is_for_something_that_is_asked() -> None:
    asked = {text for rule in RULES for item in selections(rule.expr) for text in (item.text, item.name)}
    suffixes = re.compile(f"({'|'.join(HISTOGRAM_SUFFIXES)})(?={{|$)")  # of a histogram, a rule reads one of three
    of_families = [{suffixes.sub("", text) for text in texts} for texts in (OPTIONAL, asked)]
    assert of_families[0] <= of_families[1]


def test_a_family_and_an_area_of_a_new_source_may_be_absent_with_reasons_of_their_own() -> None:
    family = Family("disk_free_bytes", "gauge", "Free.", ("folder",), optional={"": "none", '{folder="a"}': "no a"})
    assert optional_selectors([family], {SourceArea("disk", "disk"): "no disk"}) == {
        "nervesys_disk_free_bytes": "none",
        'nervesys_disk_free_bytes{folder="a"}': "no a",
        'nervesys_exporter_up{area="disk",source="disk"}': "no disk",
        'nervesys_exporter_last_success_timestamp_seconds{area="disk",source="disk"}': "no disk",
    }


def test_a_running_prometheus_parses_each_rule_by_its_own_release(tmp_path: Path) -> None:
    with prometheus(tmp_path, tmp_path / "data") as url:
        assert find_refused_rules(Prometheus(url), RULES) == []
        unknown = replace(RULES[0], expr="mad_over_the_moon(up[5m])")
        (refused,) = find_refused_rules(Prometheus(url), [unknown, *RULES])
    assert refused.alert == unknown.alert.name
    assert "refuses the expression: " in refused.problem
    assert 'unknown function with name "mad_over_the_moon"' in refused.problem


def test_without_prometheus_nothing_is_parsed() -> None:
    with pytest.raises(QueryFailed):
        find_refused_rules(Prometheus("http://127.0.0.1:9"), RULES)
