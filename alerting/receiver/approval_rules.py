"""Lets actions wait until a person approves them. Pure: a decision and what is known of the approval make a decision.

An approval holds for all attempts of the episode that it was given for, but not for ever: nothing is called for it once
as much time has passed as people have to answer.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from alerting.actions import Proof
from alerting.journal import OPEN_STATES, ActionState, Episode, EpisodeVerdict, StateChange, approvals, receive
from alerting.journal.approvals import Answer, Approval
from alerting.model import AlertsFile
from alerting.receiver.decision_input import Case, Decision, escalate
from nervesys.contract import format_time
from nervesys.plural import count

MINUTE = 60


@dataclass(frozen=True)
class ApprovalRules:
    """What one turn of the receiver knows of approvals.

    Attributes:
        asking: by episode, the alerts that joined it and want its action approved.
        newest: by episode, its newest approval.
        alerts: config/alerts.yaml, which names the channels.
    """

    asking: Mapping[int, Collection[str]]
    newest: Mapping[int, Approval]
    alerts: AlertsFile

    def unapproved(self, decisions: Iterable[tuple[Case, Decision]]) -> set[int]:
        """The ids of the episodes that would act, but for an approval."""
        acting = ((case, decision) for case, decision in decisions if decision.verdict is EpisodeVerdict.ACT)
        return {case.episode.id for case, decision in acting if self.apply(case, decision) is not decision}

    def apply(self, case: Case, decision: Decision) -> Decision:
        """The decision, or that it waits for approval."""
        episode, approval = case.episode, self.newest.get(case.episode.id)
        if case.ordered or not self.asking.get(episode.id):
            return decision
        if is_waiting(episode):
            return self._while_waiting(case, decision, approval)
        if case.escalated and not case.acted and _has_expired(approval) and _is_well(case):
            return Decision(EpisodeVerdict.FRESH, ActionState.SKIPPED, "nobody approved, and it is well again")
        if decision.verdict is not EpisodeVerdict.ACT or self._approves(case, approval):
            return decision
        return _wait(case, decision, case.now + case.policy.approval)

    def write(
        self, connection: Connection, case: Case, decision: Decision, changes: Collection[StateChange], now: float
    ) -> None:
        """Ask people where the episode began to wait, and end the question where it no longer waits.

        Args:
            connection: an open transaction, in which the decision was written.
            case: as it was decided about.
            decision: that was written.
            changes: of states; empty where another receiver, or a person, was faster.
            now: Unix seconds.
        """
        if not changes:
            return
        episode = case.episode
        if decision.state is ActionState.WAITING_FOR_APPROVAL:
            channels = self.alerts.approval_channels(self.asking[episode.id])
            approvals.ask(connection, episode.id, channels, now, now + case.policy.approval)
        elif is_waiting(episode):
            expired = decision.verdict is EpisodeVerdict.NOT_APPROVED
            outcome = Answer.EXPIRED if expired else Answer.UNNEEDED
            approvals.end_open(connection, episode.id, outcome, decision.detail, now)

    def _while_waiting(self, case: Case, decision: Decision, approval: Approval | None) -> Decision:
        if decision.state not in OPEN_STATES:
            return replace(decision, detail=f"no approval is needed any more: {decision.detail}")
        if decision.state is ActionState.ESCALATED:
            return decision
        if case.eligibility.proof is Proof.OUTCOME and _is_well(case):
            return Decision(EpisodeVerdict.QUIET, ActionState.SKIPPED, "no approval is needed any more: it is quiet")
        until = approval.expires_at if approval else case.now
        if case.now >= until:
            minutes = count(round(case.policy.approval / MINUTE), "minute")
            return escalate(case, EpisodeVerdict.NOT_APPROVED, f"nobody approved within {minutes}; nothing was done")
        return _wait(case, decision, until)

    def _approves(self, case: Case, approval: Approval | None) -> bool:
        """Whether a person approved what this episode is about to do; one that was opened again asks again."""
        if approval is None or approval.outcome != Answer.APPROVE or approval.ended_at is None:
            return False
        if not case.episode.open or approval.ended_at < case.episode.opened_at:
            return False
        return case.acted or case.now - approval.ended_at <= case.policy.approval


def read_approval_rules(connection: Connection, alerts: AlertsFile, due: Collection[Episode]) -> ApprovalRules:
    """What is known of the approvals of the episodes that are due; reads nothing where no alert asks for any."""
    wanting = {action: alerts_with_confirm(alerts, action) for action in {episode.action for episode in due}}
    ids = [episode.id for episode in due if wanting[episode.action] or is_waiting(episode)]
    names = receive.alert_names(connection, ids) if ids else {}
    known = {alert.alertname for alert in alerts.alerts}
    asking = {}
    for episode in due:
        joined = names.get(episode.id, {episode.alert})
        # An alert that was deleted meanwhile does not say any more that its action needs no approval.
        asking[episode.id] = joined & wanting[episode.action] | (joined - known if is_waiting(episode) else set())
    return ApprovalRules(asking, approvals.newest_of(connection, ids) if ids else {}, alerts)


def is_waiting(episode: Episode) -> bool:
    """Whether people were asked, and have not answered."""
    return episode.state is ActionState.WAITING_FOR_APPROVAL


def alerts_with_confirm(alerts: AlertsFile, action: str) -> frozenset[str]:
    """The names of the alerts that want this action approved."""
    return frozenset(alert.alertname for alert in alerts.alerts if alert.confirms(action))


def _wait(case: Case, decision: Decision, until: float) -> Decision:
    """Wait for a person; a decision that would call nothing now, such as in maintenance, keeps its verdict."""
    acts = decision.verdict is EpisodeVerdict.ACT
    verdict = EpisodeVerdict.WAITING_FOR_APPROVAL if acts else decision.verdict
    detail = f"{decision.detail}; waits for approval until {format_time(until)[:19]}Z"
    due_at = min(case.now + case.policy.check_interval, until)
    fields = {"waited": case.waited, "looked_at": case.now}
    return Decision(verdict, ActionState.WAITING_FOR_APPROVAL, detail, due_at, fields)


def _has_expired(approval: Approval | None) -> bool:
    return approval is not None and approval.outcome == Answer.EXPIRED


def _is_well(case: Case) -> bool:
    """Whether nothing fires for the agent: its alerts are quiet, or of silence, its heartbeat is fresh."""
    if case.observation.blind or case.firing is None:
        return False
    return not case.firing_causes if case.causes else case.fresh
