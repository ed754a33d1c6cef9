"""Checks in a running Prometheus that every series that alerts select exists: a misspelt one never fires."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from alerting.conditions.freshness_guards import LAST_SUCCESS
from alerting.generate.rules import Rule
from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.clients.promql import selections
from nervesys.metrics import Family, SourceArea

OF_AREAS = ("nervesys_exporter_up", LAST_SUCCESS)
"""Families that every exporter has about each of its areas, and that alerts select by area."""


@dataclass(frozen=True)
class SelectorResult:
    """A selector, and whether it matches any series.

    Attributes:
        alerts: the names of those that use it.
        reason: why it may be absent; empty where it must be there.
    """

    selector: str
    alerts: tuple[str, ...]
    there: bool
    reason: str

    @property
    def fine(self) -> bool:
        """Whether it matches, or need not."""
        return self.there or bool(self.reason)


HISTOGRAM_SUFFIXES = ("_bucket", "_count", "_sum")


def optional_selectors(families: Iterable[Family], areas: Mapping[SourceArea, str]) -> dict[str, str]:
    """The selectors that may match nothing in a healthy stack, each with the reason.

    Args:
        families: those of all programs.
        areas: those that a healthy fleet may lack, with the reason.
    """
    return {
        f"{family.full_name}{suffix}{matchers}": reason
        for family in families
        for matchers, reason in family.optional.items()
        for suffix in (HISTOGRAM_SUFFIXES if family.buckets else ("",))
    } | {
        f'{name}{{area="{area.area}",source="{area.source}"}}': reason
        for area, reason in areas.items()
        for name in OF_AREAS
    }


@dataclass(frozen=True)
class RefusedRule:
    """A rule whose expression a running Prometheus cannot parse.

    Attributes:
        problem: its message, with its version.
    """

    alert: str
    problem: str


def find_refused_rules(prometheus: Prometheus, rules: Iterable[Rule]) -> list[RefusedRule]:
    """Have a running Prometheus parse every rule: releases differ in the functions and syntax that they know.

    Raises:
        QueryFailed: it does not respond.
    """
    version = prometheus.status("buildinfo")["version"]
    refused = []
    for rule in rules:
        try:
            prometheus.parse(rule.expr)
        except QueryFailed as err:
            refused.append(RefusedRule(rule.alert.name, f"Prometheus {version} refuses the expression: {err}"))
    return refused


def check_selectors(
    prometheus: Prometheus, rules: Iterable[Rule], optional: Mapping[str, str]
) -> Iterator[SelectorResult]:
    """Ask for every selector of the rules, once.

    Args:
        prometheus: which one.
        rules: whose selectors.
        optional: of `optional_selectors`.

    Raises:
        QueryFailed: with Prometheus' error message.
    """
    alerts_by_selection: dict[tuple[str, str], dict[str, None]] = {}
    for rule in rules:
        for selection in selections(rule.expr):
            alerts_by_selection.setdefault((selection.text, selection.name), {})[rule.alert.name] = None
    for (selector, name), alerts in sorted(alerts_by_selection.items()):
        there = bool(prometheus.instant(f"count({selector})"))
        yield SelectorResult(selector, tuple(alerts), there, optional.get(selector) or optional.get(name, ""))
