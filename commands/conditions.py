"""Opens the compiler of alert conditions: its words come from the metric families of all programs."""

from alerting.conditions.compile import ConditionCompiler
from alerting.conditions.vocabulary import vocabulary_of
from commands.families import families
from nervesys.settings import Loaded


def condition_compiler(loaded: Loaded) -> ConditionCompiler:
    """The compiler for these settings, with the thresholds that agents have of their own.

    Raises:
        ModuleNotFoundError: a required package is not installed.
        ValueError: two metric families have the same condition word in the same unit.
    """
    return ConditionCompiler(loaded.settings, vocabulary_of(families()), loaded.own_thresholds)
