"""The one table of queries that find nothing in a healthy stack on one machine, each with the reason."""

HEALTHY = "Nothing is wrong in a healthy stack."
NO_GITHUB = "The brain of the local stack is a plain Git repository."
NO_QUOTA = "The archive of the local stack is a folder."
NO_ACTION = "Nothing had to be done yet."

EXPECTED_EMPTY: dict[str, str] = {
    "main-overview / Firing now / A": HEALTHY,
}
