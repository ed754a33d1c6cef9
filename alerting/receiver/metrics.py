"""The families of the receiver's own metrics."""

from nervesys.metrics import ConditionTerm, Family, Period

BUCKETS = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0)

NOTHING_YET = "it has not happened yet"
"""Series of an agent begin with what is done for it, and end a day later."""

RECEIVED = Family(
    "alerts_received_total",
    "counter",
    "Alerts received and written to the journal.",
    ("sender", "status"),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="received alerts", kind="increase", labels=("sender",)),),
)
LAST_RECEIVED = Family(
    "webhook_last_received_timestamp_seconds",
    "gauge",
    "Time of the last webhook request answered with 200.",
    ("sender",),
    Period.SCRAPE,
)
REFUSED = Family(
    "webhook_refused_requests_total",
    "counter",
    "Webhook requests answered with 4xx or 503, by reason.",
    ("sender", "reason"),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="refused webhooks", kind="increase", labels=("sender", "reason")),),
)
TRUNCATED = Family(
    "alerts_truncated_total",
    "counter",
    "Alerts that the sender truncated from its requests.",
    ("sender",),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="truncated alerts", kind="increase", labels=("sender",)),),
)
ACTIONS = Family(
    "actions_total",
    "counter",
    "Transitions of actions into a state.",
    ("agent", "action", "state"),
    Period.SCRAPE,
    conditions=(
        ConditionTerm(word="failed actions", kind="increase", labels=("agent", "action"), matchers='{state="failed"}'),
    ),
    optional={"": NOTHING_YET, '{state="failed"}': NOTHING_YET},
)
OPEN = Family(
    "open_actions",
    "gauge",
    "Open actions by state; agent * is the fleet.",
    ("agent", "action", "state"),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="open actions", kind="level", labels=("agent", "action")),),
    optional={"": NOTHING_YET, '{state="escalated"}': NOTHING_YET},
)
DURATION = Family(
    "action_duration_seconds",
    "histogram",
    "Duration of a driver call or of a write of records.",
    ("action", "driver"),
    Period.SCRAPE,
    BUCKETS,
    conditions=(ConditionTerm(word="driver duration", kind="mean", labels=("driver",)),),
)
RECOVERY = Family(
    "action_recovery_duration_seconds",
    "histogram",
    "Time from the first alert of an episode to the proof of recovery.",
    ("driver",),
    Period.SCRAPE,
    BUCKETS,
    conditions=(ConditionTerm(word="recovery duration", kind="mean", labels=("driver",)),),
)
PENDING = Family(
    "journal_pending_actions",
    "gauge",
    "Open actions, and records waiting to be written.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="pending actions", kind="level"),),
)
OLDEST_PENDING = Family(
    "journal_oldest_pending_timestamp_seconds",
    "gauge",
    "Time since which the oldest pending action or record has been waiting; absent if none is pending.",
    (),
    Period.SCRAPE,
)
CAPPED = Family(
    "rate_limited_actions",
    "gauge",
    "Open actions waiting because the fleet has reached its restarts per hour.",
    (),
    Period.SCRAPE,
)
COMMIT_FAILURES = Family(
    "journal_commit_failures_total",
    "counter",
    "Failed commits of the journal.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="journal failures", kind="increase"),),
)
BLIND = Family(
    "receiver_store_unavailable",
    "gauge",
    "1 while the receiver cannot verify the agents' states in the store, else 0.",
    (),
    Period.SCRAPE,
)
WATCHDOG_RECEIVED = Family(
    "watchdog_last_received_timestamp_seconds",
    "gauge",
    "Time at which the Watchdog alert was last received; until the first, the receiver's start time.",
    (),
    Period.SCRAPE,
)
DEADMAN_SILENT = Family(
    "watchdog_missing",
    "gauge",
    "1 while the Watchdog alert has not been received for too long, else 0.",
    (),
    Period.SCRAPE,
)

SIGN_IN_FAILURES = Family(
    "sign_in_failures_total",
    "counter",
    "Failed attempts to sign in to the receiver's page, by reason.",
    ("reason",),
    Period.SCRAPE,
)

WAITING_APPROVALS = Family(
    "waiting_approvals",
    "gauge",
    "Actions waiting until a person approves them.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="waiting approvals", kind="level"),),
)
APPROVAL_ANSWERS = Family(
    "approvals_answered_total",
    "counter",
    "Answers of people to questions for approval: approve, refuse or silence.",
    ("answer",),
    Period.SCRAPE,
)
APPROVAL_MESSAGES = Family(
    "approval_messages_total",
    "counter",
    "Attempts to send messages about approvals, by channel and outcome (sent, retry, failed).",
    ("channel", "outcome"),
    Period.SCRAPE,
    conditions=(
        ConditionTerm(
            word="failed approval messages", kind="increase", labels=("channel",), matchers='{outcome="failed"}'
        ),
    ),
)

INSTRUMENTS = (
    APPROVAL_ANSWERS,
    APPROVAL_MESSAGES,
    SIGN_IN_FAILURES,
    RECEIVED,
    LAST_RECEIVED,
    REFUSED,
    TRUNCATED,
    DURATION,
    RECOVERY,
    COMMIT_FAILURES,
    BLIND,
    WATCHDOG_RECEIVED,
    DEADMAN_SILENT,
)
"""Updated as things happen."""
OF_AGENTS = (ACTIONS, OPEN)
"""Rendered agent by agent, and only where an agent's series changed."""
JOURNALLED = (PENDING, OLDEST_PENDING, CAPPED, WAITING_APPROVALS)
"""Read from the journal at each scrape."""
FAMILIES = (*INSTRUMENTS, *OF_AGENTS, *JOURNALLED)
