"""Takes the answers of people who were asked to approve an action; each question takes one answer.

Links, buttons of Telegram and the page all come here. The healer carries out what was approved.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from alerting.journal import (
    ActionState,
    Episode,
    EpisodeVerdict,
    Journal,
    StateChange,
    Writer,
    approvals,
    episodes,
)
from alerting.journal.approvals import CHOICES, Answer, Approval
from alerting.receiver import metrics
from alerting.receiver.approval_rules import is_waiting
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.orders import NO_LEASE
from nervesys.audit import AUDIT, AuditAction, AuditResult
from nervesys.clients.alertmanager import AlertmanagerUnavailable, Cluster
from nervesys.clock import Clock
from nervesys.contract import format_time
from nervesys.errors import NervesysError
from nervesys.metrics import Instruments

HOUR = 3600
SILENCES = {HOUR: "1 hour", 4 * HOUR: "4 hours", 24 * HOUR: "1 day", 7 * 24 * HOUR: "1 week"}
"""How long an alert may be silenced for, in seconds, with words for people."""
DONE = {Answer.APPROVE: "approved", Answer.REFUSE: "refused", Answer.SILENCE: "silenced"}
STATES = {
    Answer.APPROVE: (ActionState.PENDING, EpisodeVerdict.APPROVED),
    Answer.REFUSE: (ActionState.REJECTED, EpisodeVerdict.REFUSED),
    Answer.SILENCE: (ActionState.REJECTED, EpisodeVerdict.SILENCED),
}


class ApprovalOver(NervesysError):
    """The question was answered, has expired, or is not asked any more; the message says which."""


class NoSilence(NervesysError):
    """The alert could not be silenced; the message says why."""


@dataclass(frozen=True)
class ApprovalDesk:
    """Takes answers.

    Attributes:
        journal: read from.
        writer: answers are written through it.
        cluster: of Alertmanagers, in which alerts are silenced.
        fleet: returns the newest version of the brain.
        instruments: count the answers.
        journalled: called with what changed, once it is on disk.
    """

    journal: Journal
    writer: Writer
    cluster: Cluster
    fleet: Callable[[], FleetConfig]
    instruments: Instruments
    clock: Clock
    journalled: Callable[[list[StateChange]], None]

    def start(self) -> None:
        """Expose every counter at 0 before its first event, so that `increase` sees it."""
        for choice in CHOICES:
            self.instruments.add(metrics.APPROVAL_ANSWERS, choice, by=0)

    @property
    def can_silence(self) -> bool:
        """Whether alerts can be silenced: those that Grafana evaluates are not in our Alertmanager."""
        return self.fleet().alerts.engine == "prometheus"

    async def open_question(self, nonce: str) -> tuple[Approval, Episode]:
        """The question that a link or button names, with its episode.

        Raises:
            ApprovalOver: it takes no answer any more.
            JournalUnavailable: it cannot be looked up.
        """
        now = self.clock()
        found = await self.journal.read(lambda connection: find_question(connection, nonce, now))
        if isinstance(found, ApprovalOver):
            raise found
        return found

    async def question_of(self, episode_id: int) -> Approval:
        """The open question of an episode.

        Raises:
            ApprovalOver: it has none.
            JournalUnavailable: it cannot be looked up.
        """
        newest = await self.journal.read(lambda connection: approvals.newest_of(connection, [episode_id]))
        if episode_id not in newest:
            raise ApprovalOver("nobody was asked to approve this episode")
        return newest[episode_id]

    async def answer(
        self, nonce: str, choice: Answer, by: str, silence_seconds: int = HOUR, *, who: str = "", client: str = ""
    ) -> str:
        """Take an answer; returns what was done, in words.

        Args:
            nonce: of the question.
            choice: one of `CHOICES`.
            by: who answers, for the journal.
            silence_seconds: one of `SILENCES`; for that choice.
            who: answers, for the audit trail; empty for `by`.
            client: address of whoever answers; may be empty.

        Raises:
            ApprovalOver: it takes no answer any more.
            NoSilence: the alert could not be silenced; the question stays open.
            JournalUnavailable: the answer could not be stored.
        """
        detail = f"{DONE[choice]} by {by}"
        if choice is Answer.SILENCE:
            _, episode = await self.open_question(nonce)
            detail = f"{episode.alert} silenced for {SILENCES[silence_seconds]} by {by}"
            await self._silence(episode, silence_seconds, by)
        now = self.clock()
        taken = await self.writer.commit(lambda connection: _take(connection, nonce, choice, by, detail, now))
        if isinstance(taken, ApprovalOver):
            raise taken
        self.journalled(taken)
        self.instruments.add(metrics.APPROVAL_ANSWERS, choice)
        AUDIT.record(AuditAction.ORDER, AuditResult.OK, who or by, f"approval: {detail}", client=client)
        return detail

    async def _silence(self, episode: Episode, seconds: int, by: str) -> None:
        if not self.can_silence:
            raise NoSilence("Grafana evaluates the alerts; silence it there")
        labels, now = {"alertname": episode.alert, "agent": episode.agent}, self.clock()
        comment = f"{episode.action} was not approved"
        try:
            await asyncio.to_thread(self.cluster.silence, labels, now, now + seconds, f"receiver, {by}", comment)
        except AlertmanagerUnavailable as err:
            raise NoSilence(f"the alert could not be silenced: {err}") from err


def find_question(connection: Connection, nonce: str, now: float) -> tuple[Approval, Episode] | ApprovalOver:
    """The question that a link or button names, with its episode; or why it takes no answer."""
    approval = approvals.find(connection, nonce)
    episode = episodes.read_episode(connection, approval.episode_id) if approval else None
    if approval is None or episode is None:
        return ApprovalOver("this was so long ago that the journal has forgotten it")
    what = f"{episode.action} of {episode.agent}"
    if approval.outcome == Answer.EXPIRED or (approval.ended_at is None and now >= approval.expires_at):
        return ApprovalOver(f"{what}: nobody answered until {format_time(approval.expires_at)[:19]}Z; it has expired")
    if approval.outcome == Answer.UNNEEDED:
        return ApprovalOver(f"{what} no longer needs an approval: {approval.ended_by}")
    if approval.ended_at is not None:
        done = DONE[Answer(approval.outcome)]
        return ApprovalOver(f"{what} was {done} by {approval.ended_by} at {format_time(approval.ended_at)[:19]}Z")
    if not is_waiting(episode):
        return ApprovalOver(f"{what} no longer waits for approval: it is {episode.state}")
    return approval, episode


def _take(
    connection: Connection, nonce: str, choice: Answer, by: str, detail: str, now: float
) -> list[StateChange] | ApprovalOver:
    """Store an answer, unless another one was faster."""
    found = find_question(connection, nonce, now)
    if isinstance(found, ApprovalOver):
        return found
    approval, episode = found
    state, verdict = STATES[choice]
    due_at = now if choice is Answer.APPROVE else None
    changes = episodes.decide(connection, episode, state, verdict, detail, now, due_at=due_at, **NO_LEASE)
    if changes:
        approvals.end(connection, approval.id, choice, by, now)
        return changes
    return ApprovalOver("it was decided about at this moment; look again")
