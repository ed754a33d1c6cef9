"""Conditions compile to PromQL that Prometheus reads, or are refused in words; what they mean is proven in rules/."""

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from alerting.conditions.compile import compiled
from alerting.conditions.freshness_guards import AGENTS, ARCHIVE, UNBROKEN_SINCE, Origin, gated
from alerting.conditions.language import Misread, Spot
from alerting.conditions.named_conditions import SITUATIONS
from alerting.conditions.terms import Count
from alerting.conditions.vocabulary import MEASURES, SILENCES
from alerting.model import Severity
from commands.families import families
from nervesys.clients.promql import selections
from nervesys.settings import load
from nervesys.settings.agents import ThresholdOverrides

SETTINGS = load().settings
W = Severity.WARNING
EXAMPLES = {
    "a duration, such as 5 minutes": "45 minutes",
    "a size, such as 50 MB": "50 MB",
    "a share, such as 90%": "90%",
    "a plain number": "3",
}


def every_condition() -> list[str]:
    """Each word of the vocabulary in each of its units, and as a threshold where it has one."""
    values = [
        f"{word} > {EXAMPLES[term.unit]}{' in 1 hour' if isinstance(term, Count) else ''}"
        for word, terms in MEASURES.items()
        for term in terms
    ]
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


SLOW, QUICK = (ThresholdOverrides.model_validate({"heartbeat": {"down_after_seconds": value}}) for value in (900, 240))


def test_an_agent_may_have_thresholds_of_its_own() -> None:
    own = {"grok": ThresholdOverrides(), "gimai": SLOW, "copilot": SLOW, "chatgpt": QUICK}
    common, slow, quick = compiled("no heartbeat > threshold", SETTINGS, None, own).expr.split("\nor\n")
    assert ") > 300\n" in common
    assert common.endswith('last_over_time(nervesys_brain_agent_info{agent!~"chatgpt|copilot|gimai"}[1h])')
    assert ") > 900\n" in slow
    assert slow.endswith('last_over_time(nervesys_brain_agent_info{agent=~"gimai|copilot"}[1h])')
    assert ") > 240\n" in quick


@pytest.mark.parametrize("text", ["no heartbeat > 10 minutes", "cpu > 90%", "target down"])
def test_where_no_threshold_of_agents_is_read_all_are_alike(text: str) -> None:
    assert compiled(text, SETTINGS, None, {"grok": SLOW}) == compiled(text, SETTINGS, None)


def test_a_threshold_of_its_own_that_cannot_be_is_told_with_its_agent() -> None:
    own = {"grok": ThresholdOverrides.model_validate({"heartbeat": {"down_after_seconds": 90}})}
    with pytest.raises(Misread, match=r"with the thresholds of grok: 90 s is too short"):
        compiled("no heartbeat > threshold", SETTINGS, None, own)


def test_a_rate_is_of_the_unit_that_it_is_written_in() -> None:
    expr = compiled("tokens > 5000 per minute in 1 hour", SETTINGS, None).expr
    assert "rate(nervesys_agent_tokens_total[1h])" in expr
    assert ") * 60 > 5000" in expr


@pytest.mark.parametrize(("origin", "seconds"), [(AGENTS, 180), (ARCHIVE, 2400)])
def test_silence_counts_after_the_grace_and_no_sooner_than_four_refreshes(origin: Origin, seconds: float) -> None:
    expr = gated(SETTINGS, "nervesys_whatever", origin, silence=True)
    assert f"time() - {UNBROKEN_SINCE}{origin} > {seconds})" in expr


def test_what_a_condition_looks_at_is_known_without_its_bound() -> None:
    first, second = compiled("cpu > 90% and memory > 50%", SETTINGS, None).values
    assert (first.words, second.words) == ("cpu", "memory")
    assert "0.9" not in first.expr
    assert selections(first.expr)


def test_alerts_on_agents_end_at_the_brain() -> None:
    for text in ("no heartbeat > 5 minutes", "buffer > 50 MB", "agent stuck stopping", "errors > 5 in 1 hour"):
        expr = compiled(text, SETTINGS, None).expr
        assert expr.endswith("and on (agent) last_over_time(nervesys_brain_agent_info[1h])"), text


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
        ("cpu > treshold", "unknown metric 'treshold'; did you mean 'threshold'?"),
        ("cpu > tokens", "cpu and tokens are not measured alike"),
        ("cpu > 90% per minute in 1 hour", "cpu is not counted, so it has no rate"),
        ("log duration > 5 s per minute in 1 hour", "log duration is not counted, so it has no rate"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as err:
        compiled(text, SETTINGS, Severity.INFO)
    assert problem in str(err.value)


def test_a_mistake_is_shown_where_it_stands() -> None:
    with pytest.raises(Misread) as err:
        compiled("cpu > 90%\nand memory > 5 MB", SETTINGS, None)
    assert err.value.at == Spot(2, 14)


UNSPOKEN = {
    "agent_info": "names an agent's model and version; nothing to compare",
    "brain_collaborator_info": "names people; nothing to compare",
    "brain_config_change_timestamp_seconds": "marks deeds on dashboards",
    "github_rate_limit_reset_timestamp_seconds": "lies ahead, and says when `rate limit` ends by itself",
    "github_branch_protected": "is asked by `config check`",
    "webhook_last_received_timestamp_seconds": "is quiet while all is well",
    "journal_oldest_pending_timestamp_seconds": "goes with `pending actions`",
    "watchdog_last_received_timestamp_seconds": "is judged by the receiver itself, which no rule could",
    "watchdog_missing": "is said by the receiver itself, which no rule could",
    "restore_drill_success": "is behind Restore Drill Failed",
    "restore_drill_backup_timestamp_seconds": "goes with `full backup`",
    "deployment_last_run_timestamp_seconds": "is behind Deployment Failed",
    "workspace_segments": "is how the history is cut; nothing to compare",
    "workspace_content_bytes": "goes with `project bytes`",
    "artifact_oldest_upload_timestamp_seconds": "is there only while one is under way; is behind Artifact Upload Stuck",
    "artifact_oldest_waiting_request_timestamp_seconds": "is there only while one waits; is behind Artifacts Waiting",
    "receiver_store_unavailable": "is behind Receiver Blind",
    "rate_limited_actions": "is behind Restarts Capped",
}
"""Families without a word of their own, each with the reason."""


def test_every_family_has_a_word_or_a_reason_why_not() -> None:
    spoken = {
        selection.name for text in every_condition() for selection in selections(compiled(text, SETTINGS, W).expr)
    }
    ours = [family.full_name for family in families()]
    silent = {name for name in ours if not {f"{name}{part}" for part in ("", "_bucket", "_count", "_sum")} & spoken}
    assert silent == {f"nervesys_{name}" for name in UNSPOKEN}


def sentences(number: int) -> list[str]:
    """Sentences made at random of everything that the language has."""
    choice = random.Random(number).choice  # the same ones each time
    bounds = [*EXAMPLES.values(), "threshold", "3 per minute", "5 MB per second", *MEASURES]
    windows = ["", " in 1 hour", " for 90 minutes", " for 1.5 s"]
    times = ["", " between 08:00 and 18:30", " between 22:00 and 06:00 on weekends", " on weekdays"]

    def clause() -> str:
        kinds = (
            lambda: f"{choice([*MEASURES])} {choice(['>', '>=', '<', '<='])} {choice(bounds)}{choice(windows)}",
            lambda: f"no {choice([*SILENCES])} > {choice(['1 hour', '2 days', 'threshold', '5 s'])}",
            lambda: choice([*SITUATIONS]),
        )
        return str(choice(kinds)())

    return [" and ".join(clause() for _ in range(choice([1, 1, 2]))) + choice(times) for _ in range(number)]


def test_what_is_accepted_prometheus_accepts(program: Callable[[str], str], tmp_path: Path) -> None:
    accepted: dict[str, str] = {}
    for text in (*every_condition(), *sentences(10_000)):
        try:
            accepted[text] = compiled(text, SETTINGS, W).expr
        except Misread as err:
            assert err.problem
    assert len(accepted) > 500
    rules = [{"alert": f"A{index}", "expr": expr} for index, expr in enumerate(accepted.values())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    command = [program("promtool"), "check", "rules", str(tmp_path / "rules.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
