"""The metric families of the artifact service itself."""

from nervesys.metrics import Family, Period

OPERATIONS = ("register", "complete", "get", "list", "uri", "delete", "trace", "step", "gc")
OUTCOMES = ("ok", "refused", "failed")

REQUESTS = Family(
    "artifact_requests_total",
    "counter",
    "Requests to the service, by how they ended.",
    ("operation", "outcome"),
    Period.SCRAPE,
)
COMMIT_FAILURES = Family(
    "artifact_commit_failures_total", "counter", "Commits that the database refused.", period=Period.SCRAPE
)
FAMILIES = (REQUESTS, COMMIT_FAILURES)
