"""Which tokens count where an agent's log and its spans report the same calls.

Covers: nervesys.agent.usage.
"""

from nervesys.agent.usage import SPANS_SECONDS, UsageRule
from nervesys.settings.agents import UsageSource

TOKENS = {"model_version": "grok-4", "tokens_used": 100}


def counts(rule: UsageRule, at: float) -> bool:
    return "tokens_used" in rule.of_record(at, TOKENS)


def test_without_spans_the_log_counts() -> None:
    rule = UsageRule()
    assert rule.of_record(5, TOKENS) == TOKENS


def test_once_spans_have_tokens_the_log_adds_none_and_keeps_their_number() -> None:
    rule = UsageRule()
    assert rule.counts_call(begun=9, ended=10)
    assert rule.of_record(11, TOKENS) == {"model_version": "grok-4", "tokens_in_spans": 100}
    named = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2, "gen_ai.usage.cache_read.input_tokens": 3}
    assert rule.of_record(12, named) == {"tokens_in_spans": 9}
    assert rule.of_record(12, {"other": 1}) == {"other": 1}


def test_a_record_that_counted_covers_the_calls_that_had_ended_whose_spans_come_later() -> None:
    rule = UsageRule()
    assert counts(rule, 10)
    assert not rule.counts_call(begun=9, ended=9.9)
    assert counts(rule, 11), "the next record is still the first report of its call"
    assert not rule.counts_call(begun=10.5, ended=10.9)
    assert rule.counts_call(begun=11.1, ended=11.5), "nothing has counted this call"
    assert not counts(rule, 12)


def test_a_record_that_is_logged_within_the_span_of_its_call_covers_it() -> None:
    rule = UsageRule()
    assert counts(rule, 10)
    assert not rule.counts_call(begun=5, ended=10.1)
    assert rule.counts_call(begun=5, ended=20), "the record was of another call"


def test_the_log_counts_again_a_day_after_the_last_span() -> None:
    rule = UsageRule()
    assert rule.counts_call(begun=9, ended=10)
    assert not counts(rule, 10 + SPANS_SECONDS)
    assert counts(rule, 11 + SPANS_SECONDS)


def test_a_setting_decides_otherwise() -> None:
    logs, both = UsageRule(lambda: UsageSource.LOGS), UsageRule(lambda: UsageSource.BOTH)
    assert (logs.counts_call(begun=9, ended=10), counts(logs, 11)) == (False, True)
    assert (both.counts_call(begun=9, ended=10), counts(both, 11)) == (True, True)
    assert (UsageRule().total(3, 5), logs.total(3, 5), both.total(3, 5)) == (5, 3, 8)
