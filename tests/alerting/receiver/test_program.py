"""The assembled receiver: its local file reaches the parts that use it.

Covers: alerting.receiver.metrics, alerting.receiver.fleet.
"""

import asyncio
from pathlib import Path

import pytest

from alerting.journal import ActionState, Journal
from alerting.receiver.blast_radius import BlastRadius
from alerting.receiver.fleet import FleetSource
from alerting.receiver.local import LocalFile, ReceiverLimits
from alerting.receiver.program import Receiver
from nervesys.clients.alertmanager import Cluster
from tests.alerting.journal.kit import DOWN, end, take
from tests.alerting.journal.test_retention import DAY, rows, settle_records
from tests.alerting.receiver.simulation import START, a_fleet
from tests.stores import FolderStore

FLEET = a_fleet("grok")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite3'}")


def put_together(journal: Journal, root: Path, **fields: object) -> Receiver:
    local = LocalFile.model_validate(fields)
    return Receiver(FleetSource(lambda: FLEET), local, journal, FolderStore(root), None, clock=lambda: START)


def test_without_a_word_it_acts_within_the_limits_of_the_contract(journal: Journal, tmp_path: Path) -> None:
    healer = put_together(journal, tmp_path)._healer
    assert (healer.policy.observe, healer.policy.window, healer.limits.cap.of(600)) == (False, 3600, 60)
    assert healer.limits.radius == BlastRadius(share=1 / 3, at_least=3, trial=2)
    assert ReceiverLimits().body_bytes == 16 << 20, "what is larger would be sent again for ever"
    assert FLEET.agents["grok"].health.max_restart_attempts == 3


def test_settings_reach_the_decisions(journal: Journal, tmp_path: Path) -> None:
    limits = {"restarts_per_hour": 7, "lease_seconds": 13, "blast_share": 0.2, "blast_at_least": 5, "blast_trial": 4}
    limits |= {"cooldown_seconds": 11, "window_seconds": 600, "flap_recoveries": 9, "flap_window_seconds": 900}
    healer = put_together(journal, tmp_path, actions={"mode": "observe"}, limits=limits)._healer
    assert healer.policy.observe
    assert (healer.limits.cap.of(600), healer.calls.lease_seconds, healer.limits.radius) == (
        7,
        13,
        BlastRadius(0.2, 5, 4),
    )
    policy = healer.policy
    assert (policy.cooldown, policy.window, policy.flaps, policy.flap_window) == (11, 600, 9, 900)


def test_every_alertmanager_of_the_settings_is_asked_for_silences(journal: Journal, tmp_path: Path) -> None:
    asked = getattr(put_together(journal, tmp_path)._healer.silences, "__self__", None)
    assert asked == Cluster.of(FLEET.settings.monitoring)


@pytest.mark.parametrize(("days", "kept"), [(29, True), (31, False)])
def test_ended_episodes_are_kept_for_the_configured_days(
    journal: Journal, tmp_path: Path, days: int, kept: bool
) -> None:
    receiver = put_together(journal, tmp_path, limits={"retention_days": 30})
    then = START - days * DAY
    take(journal, DOWN, now=then)
    end(journal, ActionState.RECOVERED, now=then)
    settle_records(journal)
    asyncio.run(receiver._delete_ended())
    with journal.alone() as connection:
        assert ("episodes" in rows(connection)) is kept
