"""The compiler of conditions, with the words of all metric families, and what is generated with it."""

from typing import Any

from alerting.conditions.compile import AgentThresholds, ConditionCompiler
from alerting.conditions.vocabulary import vocabulary_of
from commands.families import families
from nervesys.settings import Settings

VOCABULARY = vocabulary_of(families())


def compiler_of(settings: Settings, own: AgentThresholds | None = None) -> ConditionCompiler:
    """The compiler for these settings, and for agents with thresholds of their own."""
    return ConditionCompiler(settings, VOCABULARY, own or {})


def rules_in(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The alerting rules of all groups of a file of rules, as Prometheus loads it."""
    return [rule for group in content["groups"] for rule in group["rules"] if "alert" in rule]


def records_in(content: dict[str, Any], *readers: dict[str, Any]) -> list[dict[str, Any]]:
    """The recording rules of all groups of such a file; where rules are given, those that they read, in turn."""
    records = [rule for group in content["groups"] for rule in group["rules"] if "record" in rule]
    if not readers:
        return records
    read: list[dict[str, Any]] = []
    for rule in reversed(records):  # a record reads those before it
        if any(rule["record"] in reader["expr"] for reader in (*readers, *read)):
            read.insert(0, rule)
    return read
