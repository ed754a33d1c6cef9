"""Conditions compile to PromQL that Prometheus reads, or are refused in words; what they mean is proven in rules/."""

import pytest

from alerting.conditions import compiled
from alerting.model import Severity
from alerting.situations import SITUATIONS
from alerting.vocabulary import MEASURES, SILENCES
from nervesys.promql import selections
from nervesys.settings import load

SETTINGS = load().settings
EXAMPLES = {
    "a duration, such as 5 minutes": "45 minutes",
    "a size, such as 50 MB": "50 MB",
    "a share, such as 90%": "90%",
    "a plain number": "3",
}


def every_condition() -> list[str]:
    """Each word of the vocabulary in each of its units, and as a threshold where it has one."""
    values = [f"{word} > {EXAMPLES[term.unit]}" for word, terms in MEASURES.items() for term in terms]
    values = [f"{one} in 1 hour" if one.endswith(" 3") else one for one in values]
    thresholds = [f"{word} > threshold" for word, terms in MEASURES.items() if any(term.threshold for term in terms)]
    return [*values, *thresholds, *(f"no {word} > 1 hour" for word in SILENCES), *SITUATIONS]


@pytest.mark.parametrize("text", every_condition())
def test_every_word_compiles(text: str) -> None:
    result = compiled(text, SETTINGS, Severity.WARNING)
    assert selections(result.expr)
    for label in result.by:
        assert label in result.expr


def test_a_window_replaces_for() -> None:
    result = compiled("cpu > 90% for 10 minutes", SETTINGS, Severity.WARNING)
    assert result.by == ("server",)
    assert "min_over_time(nervesys_server_cpu_ratio[10m]) > 0.9" in result.expr
    assert "count_over_time(nervesys_server_cpu_ratio[10m])) >= 32" in result.expr


def test_below_looks_at_the_highest() -> None:
    expr = compiled("disk < 10%", SETTINGS, None).expr
    assert expr.startswith("min by (server) (\n  max_over_time(nervesys_server_disk_ratio[4m]) < 0.1")


def test_parts_are_joined_by_what_they_speak_of() -> None:
    result = compiled("cpu > 90% and memory > 90%", SETTINGS, None)
    assert "\nand on (server)\n" in result.expr
    assert selections(result.expr)


def test_alerts_on_agents_end_at_the_brain() -> None:
    for text in ("no heartbeat > 5 minutes", "buffer > 50 MB", "agent stuck stopping", "errors > 5 in 1 hour"):
        expr = compiled(text, SETTINGS, None).expr
        assert expr.endswith("and on (agent) last_over_time(nervesys_brain_agent_configured[1h])"), text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cpuu > 90%", "unknown metric 'cpuu'; did you mean 'cpu'?"),
        ("no hartbeat > 5 minutes", "unknown thing that can fail to come 'hartbeat'; did you mean 'heartbeat'?"),
        ("targets down", "unknown situation 'targets down'; did you mean 'target down'?"),
        ("cpu > 90", "cpu is compared with a share, such as 90%"),
        ("buffer > 5 minutes", "buffer is compared with a share, such as 90% or a size, such as 50 MB"),
        ("errors > threshold in 1 hour", "no threshold is set for errors; write a value, a plain number"),
        ("errors > 5", "say within which time, such as `in 1 hour`"),
        ("stopped > 20 minutes for 1 hour", "an age stands by itself"),
        ("cpu > threshold", "its threshold is a pair"),
        ("cpu > 90% and errors > 5 in 1 hour", "its parts speak of server and agent"),
        ("no heartbeat > 2 minutes", "takes at least 180 s"),
        ("no heartbeat < 5 minutes", "< makes no sense of an age or a distance"),
        ("clock skew <= 30 s", "<= makes no sense of an age or a distance"),
        ("no logs < 1 hour", "< makes no sense of an age or a distance"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as err:
        compiled(text, SETTINGS, Severity.INFO)
    assert problem in str(err.value)
