"""When those who act cannot."""

from tests.alerting.generate.rules.kit import Case, Fires, Story, World, from_, of, steady, step

RESTART = {"agent": "grok", "action": "restart_agent"}


def receiver(name: str, story: Story, **labels: str) -> World:
    """A series of the receiver."""
    return {of("receiver", f"nervesys_{name}", **labels): story}


CASES = (
    Case(
        "ActionEscalated",
        "open until a person or proof ends it",
        receiver("open_actions", step(600, 0, 1), state="escalated", **RESTART),
        silent=(585,),
        fires=(Fires(615, "restart_agent for grok needs an operator", labels=RESTART),),
        mended=receiver("open_actions", steady(0), state="escalated", **RESTART),
    ),
    Case(
        "ActionFailed",
        "one failure",
        receiver("actions_total", step(600, 0, 1), state="failed", **RESTART),
        silent=(585, 1500),
        fires=(Fires(615, "restart_agent for grok failed", "warning", RESTART),),
    ),
    Case(
        "RestartsCapped",
        "seven agents wait for an hour with fewer restarts",
        receiver("rate_limited_actions", step(600, 0, 7)),
        silent=(585,),
        fires=(Fires(615, "The fleet had all the restarts that an hour may have; 7 agents wait"),),
        mended=receiver("rate_limited_actions", steady(0)),
    ),
    Case(
        "WebhookRefused",
        "a wrong token",
        receiver("webhook_refused_requests_total", step(600, 0, 1), sender="alertmanager", reason="unauthorized"),
        silent=(585, 1500),
        fires=(Fires(615, "The receiver refuses alerts: unauthorized", "warning", {"reason": "unauthorized"}),),
    ),
    Case(
        "WebhookTruncated",
        "the sender left some out",
        receiver("alerts_truncated_total", step(600, 0, 3), sender="alertmanager"),
        silent=(585, 1500),
        fires=(Fires(615, "alertmanager left alerts out of what it sent", labels={"sender": "alertmanager"}),),
    ),
    Case(
        "JournalFailing",
        "the disk is full",
        receiver("journal_commit_failures_total", step(600, 0, 1)),
        silent=(585, 1500),
        fires=(Fires(615, "The receiver cannot write its journal"),),
    ),
    Case(
        "ApprovalNotAsked",
        "the token of the bot was revoked",
        receiver("approval_messages_total", step(600, 0, 1), channel="telegram", outcome="failed")
        | receiver("approval_messages_total", step(600, 0, 9), channel="slack", outcome="retry"),
        silent=(585, 1500),
        fires=(Fires(615, "Nobody was asked by telegram to approve an action", labels={"channel": "telegram"}),),
    ),
    Case(
        "AuditTrailFailing",
        "the disk is full",
        receiver("audit_write_failures_total", step(600, 0, 1), to="disk"),
        silent=(585, 1500),
        fires=(Fires(615, "The audit trail cannot be written to the disk", labels={"to": "disk"}),),
    ),
    Case(
        "AuditTrailFailing",
        "the store is away for a few minutes, and then for good",
        receiver("audit_write_failures_total", lambda t: (t > 600) + max(0, (t - 6000) // 240), to="store"),
        silent=(615, 1200, 2400, 6900),
        fires=(Fires(9000, "The audit trail cannot be written to the store", labels={"to": "store"}),),
    ),
    Case(
        "AuditRecordsLost",
        "the buffer was full",
        receiver("audit_lost_records_total", step(600, 0, 3)),
        silent=(585, 1500),
        fires=(Fires(615, "Records of the audit trail were lost"),),
    ),
    Case(
        "ReceiverBlind",
        "five minutes without the store",
        receiver("receiver_store_unavailable", step(600, 0, 1)),
        silent=(600, 870),
        fires=(Fires(915, "The receiver cannot judge by the store and restarts nothing", "warning"),),
        mended=receiver("receiver_store_unavailable", steady(0)),
    ),
    Case(
        "ReceiverBlind",
        "one that has just started has five minutes to look",
        receiver("receiver_store_unavailable", from_(600, steady(1))),
        silent=(600, 615, 870),
        fires=(Fires(915, "The receiver cannot judge by the store and restarts nothing", "warning"),),
    ),
)
