"""The metric families of the artifact service itself."""

from nervesys.metrics import ConditionTerm, Family, Period

OPERATIONS = ("register", "complete", "get", "list", "uri", "delete", "trace", "step", "gc")
OUTCOMES = ("ok", "refused", "failed")

REQUESTS = Family(
    "artifact_requests_total",
    "counter",
    "Requests to the artifact service, by operation and outcome.",
    ("operation", "outcome"),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="artifact requests", kind="increase", labels=("operation", "outcome")),),
)
COMMIT_FAILURES = Family(
    "artifact_commit_failures_total",
    "counter",
    "Failed commits of the artifact database.",
    period=Period.SCRAPE,
    conditions=(ConditionTerm(word="artifact commit failures", kind="increase"),),
)
FAMILIES = (REQUESTS, COMMIT_FAILURES)
