"""Conditions compile to PromQL that Prometheus parses, or are refused with a message; rules/ tests what they mean.

Covers: alerting.conditions.freshness_guards, alerting.conditions.named_conditions, alerting.conditions.resolve,
alerting.conditions.terms, alerting.units.
"""

import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting.conditions.compile import CompiledCondition, ConditionCompiler
from alerting.conditions.freshness_guards import AGENTS, UNBROKEN_SINCE, of_area, require_fresh
from alerting.conditions.language import ConditionError, Position, parse_condition
from alerting.conditions.named_conditions import NAMED_CONDITIONS
from alerting.conditions.terms import CountTerm
from alerting.model import AlertSeverity
from exporters.archive.area import ORIGIN as ARCHIVE
from nervesys.clients.promql import selections
from nervesys.metrics import SourceArea
from nervesys.settings import load
from nervesys.settings.agents import ThresholdOverrides
from tests.alerting.compilers import VOCABULARY, compiler_of

SETTINGS = load().settings
COMPILER = compiler_of(SETTINGS)
W = AlertSeverity.WARNING
EXAMPLES = {
    "a duration, such as 5 minutes": "45 minutes",
    "a size, such as 50 MB": "50 MB",
    "a share, such as 90%": "90%",
    "a plain number": "3",
}


def every_condition() -> list[str]:
    """Each word of the vocabulary in each of its units, and as a threshold where it has one."""
    values = [
        f"{word} > {EXAMPLES[term.unit]}{' in 1 hour' if isinstance(term, CountTerm) else ''}"
        for word, terms in VOCABULARY.measures.items()
        for term in terms
    ]
    thresholds = [
        f"{word} > threshold" for word, terms in VOCABULARY.measures.items() if any(term.threshold for term in terms)
    ]
    return [*values, *thresholds, *(f"no {word} > 1 hour" for word in VOCABULARY.absences), *NAMED_CONDITIONS]


@pytest.mark.parametrize("text", every_condition())
def test_every_word_compiles(text: str) -> None:
    result = COMPILER.compile(parse_condition(text), AlertSeverity.WARNING)
    assert selections(result.expr)
    for label in result.by:
        assert label in result.expr


def test_a_window_replaces_for() -> None:
    result = COMPILER.compile(parse_condition("cpu > 90% for 10 minutes"), AlertSeverity.WARNING)
    assert result.by == ("server",)
    assert "min_over_time(nervesys_server_cpu_ratio[10m]) > 0.9" in result.expr
    assert "count_over_time(nervesys_server_cpu_ratio[10m])) >= 32" in result.expr


def test_below_looks_at_the_highest() -> None:
    expr = COMPILER.compile(parse_condition("disk < 10%"), None).expr
    assert expr.startswith("min by (server) (\n  max_over_time(nervesys_server_disk_ratio[4m]) < 0.1")


def test_parts_are_joined_by_their_labels() -> None:
    result = COMPILER.compile(parse_condition("cpu > 90% and memory > 90%"), None)
    assert "\nand on (server)\n" in result.expr
    assert selections(result.expr)


SLOW, QUICK = (ThresholdOverrides.model_validate({"heartbeat": {"down_after_seconds": value}}) for value in (900, 240))


def test_an_agent_may_have_thresholds_of_its_own() -> None:
    own = {"grok": ThresholdOverrides(), "gimai": SLOW, "copilot": SLOW, "chatgpt": QUICK}
    condition = parse_condition("no heartbeat > threshold")
    common, slow, quick = compiler_of(SETTINGS, own).compile(condition, None).expr.split("\nor\n")
    assert ") > 300\n" in common
    assert common.endswith('last_over_time(nervesys_brain_agent_info{agent!~"chatgpt|copilot|gimai"}[1h])')
    assert ") > 900\n" in slow
    assert slow.endswith('last_over_time(nervesys_brain_agent_info{agent=~"gimai|copilot"}[1h])')
    assert ") > 240\n" in quick


def test_a_condition_is_compiled_once_for_all_agents_with_the_same_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[object] = []
    compile_with = ConditionCompiler._compile_with

    def count(compiler: ConditionCompiler, *words: Any) -> CompiledCondition:
        counted.append(words)
        return compile_with(compiler, *words)

    monkeypatch.setattr(ConditionCompiler, "_compile_with", count)
    own = {f"agent-{n}": SLOW if n % 2 else ThresholdOverrides() for n in range(100)}
    expr = compiler_of(SETTINGS, own).compile(parse_condition("no heartbeat > threshold"), None).expr
    assert len(counted) == 2, "with the fleet's thresholds, and with those of half of the agents"
    assert 'agent=~"agent-1|agent-3|' in expr


@pytest.mark.parametrize("text", ["no heartbeat > 10 minutes", "cpu > 90%", "target down"])
def test_where_no_threshold_of_agents_is_read_all_are_alike(text: str) -> None:
    assert compiler_of(SETTINGS, {"grok": SLOW}).compile(parse_condition(text), None) == COMPILER.compile(
        parse_condition(text), None
    )


def test_an_invalid_threshold_of_an_agent_is_reported_with_its_name() -> None:
    own = {"grok": ThresholdOverrides.model_validate({"heartbeat": {"down_after_seconds": 90}})}
    with pytest.raises(ConditionError, match=r"with the thresholds of grok: 90 s is too short"):
        compiler_of(SETTINGS, own).compile(parse_condition("no heartbeat > threshold"), None)


def test_a_rate_is_of_the_unit_that_it_is_written_in() -> None:
    expr = COMPILER.compile(parse_condition("tokens > 5000 per minute in 1 hour"), None).expr
    assert "rate(nervesys_agent_tokens_total[1h])" in expr
    assert ") * 60 > 5000" in expr


@pytest.mark.parametrize(("origin", "seconds"), [(AGENTS, 180), (ARCHIVE, 2400)])
def test_silence_counts_after_the_grace_and_no_sooner_than_four_refreshes(origin: SourceArea, seconds: float) -> None:
    expr = require_fresh(SETTINGS, "nervesys_whatever", origin, silence=True)
    assert f"time() - {UNBROKEN_SINCE}{of_area(origin)} > {seconds})" in expr


def test_what_a_condition_looks_at_is_known_without_its_bound() -> None:
    first, second = COMPILER.compile(parse_condition("cpu > 90% and memory > 50%"), None).values
    assert (first.words, second.words) == ("cpu", "memory")
    assert "0.9" not in first.expr
    assert selections(first.expr)


def test_alerts_on_agents_end_at_the_brain() -> None:
    for text in ("no heartbeat > 5 minutes", "buffer > 50 MB", "agent stuck stopping", "errors > 5 in 1 hour"):
        expr = COMPILER.compile(parse_condition(text), None).expr
        assert expr.endswith("and on (agent) last_over_time(nervesys_brain_agent_info[1h])"), text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cpuu > 90%", "unknown metric 'cpuu'; did you mean 'cpu'?"),
        ("no hartbeat > 5 minutes", "unknown event after `no`: 'hartbeat'; did you mean 'heartbeat'?"),
        ("targets down", "unknown named condition 'targets down'; did you mean 'target down'?"),
        ("cpu > 90", "cpu is compared with a share, such as 90%"),
        ("buffer > 5 minutes", "buffer is compared with a share, such as 90% or a size, such as 50 MB"),
        ("errors > threshold in 1 hour", "no threshold is set for errors; write a value, a plain number"),
        ("errors > 5", "the window is missing, such as `in 1 hour`"),
        ("stopped > 20 minutes for 1 hour", "an age has no window"),
        ("cpu > threshold", "its threshold is a pair"),
        ("cpu > 90% and errors > 5 in 1 hour", "its parts have different labels: server and agent"),
        ("no heartbeat > 2 minutes", "takes at least 180 s"),
        ("no heartbeat < 5 minutes", "< cannot be used with an age or a distance"),
        ("clock skew <= 30 s", "<= cannot be used with an age or a distance"),
        ("no logs < 1 hour", "< cannot be used with an age or a distance"),
        ("cpu > treshold", "unknown metric 'treshold'; did you mean 'threshold'?"),
        ("cpu > tokens", "cpu and tokens cannot be compared: their labels or units differ"),
        ("cpu > 90% per minute in 1 hour", "cpu is not counted, so it has no rate"),
        ("log duration > 5 s per minute in 1 hour", "log duration is not counted, so it has no rate"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as err:
        COMPILER.compile(parse_condition(text), AlertSeverity.INFO)
    assert problem in str(err.value)


def test_a_mistake_is_shown_where_it_stands() -> None:
    with pytest.raises(ConditionError) as err:
        COMPILER.compile(parse_condition("cpu > 90%\nand memory > 5 MB"), None)
    assert err.value.at == Position(2, 14)


def sentences(number: int) -> list[str]:
    """Sentences made at random of everything that the language has."""
    choice = random.Random(number).choice  # the same ones each time
    bounds = [*EXAMPLES.values(), "threshold", "3 per minute", "5 MB per second", *VOCABULARY.measures]
    windows = ["", " in 1 hour", " for 90 minutes", " for 1.5 s"]
    times = ["", " between 08:00 and 18:30", " between 22:00 and 06:00 on weekends", " on weekdays"]

    def clause() -> str:
        kinds = (
            lambda: (
                f"{choice([*VOCABULARY.measures])} {choice(['>', '>=', '<', '<='])} {choice(bounds)}{choice(windows)}"
            ),
            lambda: f"no {choice([*VOCABULARY.absences])} > {choice(['1 hour', '2 days', 'threshold', '5 s'])}",
            lambda: choice([*NAMED_CONDITIONS]),
        )
        return str(choice(kinds)())

    return [" and ".join(clause() for _ in range(choice([1, 1, 2]))) + choice(times) for _ in range(number)]


def test_what_is_accepted_prometheus_accepts(program: Callable[[str], str], tmp_path: Path) -> None:
    accepted: dict[str, str] = {}
    for text in (*every_condition(), *sentences(10_000)):
        try:
            accepted[text] = COMPILER.compile(parse_condition(text), W).expr
        except ConditionError as err:
            assert err.problem
    assert len(accepted) > 500
    rules = [{"alert": f"A{index}", "expr": expr} for index, expr in enumerate(accepted.values())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    command = [program("promtool"), "check", "rules", str(tmp_path / "rules.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_default_window_of_a_gauge_holds_four_scrapes_even_with_short_heartbeats() -> None:
    loaded = load(profile="local").settings
    monitoring = loaded.monitoring
    timing = monitoring.prometheus.model_copy(update={"scrape_interval_seconds": 60})
    settings = loaded.model_copy(update={"monitoring": monitoring.model_copy(update={"prometheus": timing})})
    for word in ("series > 1000", "cpu > 90%"):
        assert "[4m]" in compiler_of(settings).compile(parse_condition(word), W).expr
