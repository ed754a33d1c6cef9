"""Events are counted and logged; floods cost a few records a minute.

Covers: nervesys.metrics.audit.
"""

import logging

import pytest

from nervesys.audit import DISTINCT, OTHERS, AuditAction, AuditLog, AuditResult
from nervesys.metrics.audit import audit_snapshot

SIGN_IN, DENIED = AuditAction.SIGN_IN, AuditResult.DENIED


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def audit(clock: Clock, caplog: pytest.LogCaptureFixture) -> AuditLog:
    caplog.set_level(logging.INFO, "nervesys.audit")
    return AuditLog(clock)


def test_a_flood_of_one_client_is_two_records_a_minute(
    audit: AuditLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5000):
        audit.record(SIGN_IN, DENIED, "unknown", "page", client="10.0.0.9")
    assert caplog.messages == ["unknown: sign in page denied"]
    audit.flush()
    assert len(caplog.messages) == 1, "its minute is not over"
    clock.now += 61
    audit.flush()
    assert caplog.messages[1:] == ["unknown: sign in page denied, 4999 times more"]
    context = vars(caplog.records[1])["context"]
    assert (context["repeated"], context["client"], context["result"]) == (4999, "10.0.0.9", "denied")
    assert vars(caplog.records[1])["category"] == "audit"
    assert audit.counts[SIGN_IN, DENIED] == 5000
    audit.record(SIGN_IN, DENIED, "unknown", "page", client="10.0.0.9")
    assert len(caplog.messages) == 3, "afterwards it is logged anew"


def test_a_flood_of_many_clients_is_bounded(audit: AuditLog, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(DISTINCT + 500):
        audit.record(SIGN_IN, DENIED, "unknown", client=f"2001:db8::{number:x}")
    assert len(caplog.messages) == DISTINCT + 1
    audit.flush(everything=True)
    assert caplog.messages[-1] == f"{OTHERS}: sign in denied, 499 times more"


def test_different_events_are_all_logged(audit: AuditLog, caplog: pytest.LogCaptureFixture) -> None:
    audit.record(AuditAction.ORDER, AuditResult.OK, "session 1", "restart grok")
    audit.record(AuditAction.ORDER, AuditResult.OK, "session 1", "restart qwen")
    assert caplog.messages == ["session 1: order restart grok ok", "session 1: order restart qwen ok"]
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]


def test_texts_of_clients_are_short_and_on_one_line(audit: AuditLog, caplog: pytest.LogCaptureFixture) -> None:
    audit.record(AuditAction.READ_LOGS, AuditResult.FAILED, "user a\nadmin: sign in ok\x1b[2J", "x" * 5000)
    assert "\n" not in caplog.messages[0]
    assert "\x1b" not in caplog.messages[0]
    assert len(caplog.messages[0]) < 400


def test_metrics_exist_before_the_first_event(audit: AuditLog) -> None:
    audit.record(SIGN_IN, DENIED, "unknown")
    audit.failures["disk"] += 2
    lines = audit_snapshot((SIGN_IN, AuditAction.ORDER), audit).plain.decode().splitlines()
    assert 'nervesys_audit_events_total{action="sign_in",result="denied"} 1' in lines
    assert 'nervesys_audit_events_total{action="order",result="ok"} 0' in lines
    assert 'nervesys_audit_write_failures_total{to="disk"} 2' in lines
    assert "nervesys_audit_lost_records_total 0" in lines
