"""The families of the receiver's own metrics."""

from nervesys.metrics import Family, Period

BUCKETS = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0)

RECEIVED = Family(
    "alerts_received_total", "counter", "Alerts received and journalled.", ("sender", "status"), Period.SCRAPE
)
LAST_RECEIVED = Family(
    "webhook_last_received_timestamp_seconds",
    "gauge",
    "When a webhook was last answered with 200.",
    ("sender",),
    Period.SCRAPE,
)
REFUSED = Family(
    "webhook_refused_total", "counter", "Requests answered with 4xx or 503.", ("sender", "reason"), Period.SCRAPE
)
TRUNCATED = Family(
    "alerts_truncated_total", "counter", "Alerts that the sender left out of its requests.", ("sender",), Period.SCRAPE
)
ACTIONS = Family(
    "actions_total", "counter", "Actions that entered a state.", ("agent", "action", "state"), Period.SCRAPE
)
OPEN = Family(
    "action_open", "gauge", "Open episodes by state; agent * is the fleet.", ("agent", "action", "state"), Period.SCRAPE
)
DURATION = Family(
    "action_duration_seconds",
    "histogram",
    "Duration of one driver call, or of one write of records.",
    ("action", "driver"),
    Period.SCRAPE,
    BUCKETS,
)
RECOVERY = Family(
    "action_recovery_duration_seconds",
    "histogram",
    "From the first alert of an episode to the proof of recovery.",
    ("driver",),
    Period.SCRAPE,
    BUCKETS,
)
PENDING = Family(
    "journal_pending_actions", "gauge", "Open episodes and records that wait to be written.", (), Period.SCRAPE
)
OLDEST_PENDING = Family(
    "journal_oldest_pending_timestamp_seconds",
    "gauge",
    "Since when the oldest of them has waited; absent when nothing waits.",
    (),
    Period.SCRAPE,
)
CAPPED = Family(
    "actions_capped",
    "gauge",
    "Open episodes that wait because the fleet had all the restarts that an hour may have.",
    (),
    Period.SCRAPE,
)
COMMIT_FAILURES = Family(
    "journal_commit_failures_total", "counter", "Commits of the journal that failed.", (), Period.SCRAPE
)
BLIND = Family("receiver_blind", "gauge", "1 while the receiver cannot judge by the store.", (), Period.SCRAPE)
WATCHDOG_RECEIVED = Family(
    "watchdog_last_received_timestamp_seconds",
    "gauge",
    "When the Watchdog was last received; the start of the receiver until then.",
    (),
    Period.SCRAPE,
)
DEADMAN_SILENT = Family(
    "deadman_silent", "gauge", "1 while the Watchdog has been silent for too long.", (), Period.SCRAPE
)

INSTRUMENTS = (
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
JOURNALLED = (PENDING, OLDEST_PENDING, CAPPED)
"""Read from the journal at each scrape."""
FAMILIES = (*INSTRUMENTS, *OF_AGENTS, *JOURNALLED)
