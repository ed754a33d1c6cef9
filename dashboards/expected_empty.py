"""The one table of queries that find nothing in a healthy stack on one machine, each with the reason.

An entry that finds data while its reason holds is wrong, and fails.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Why a query finds nothing.

    Attributes:
        text: for people.
        unless: PromQL; once it finds anything the reason has passed, and data is welcome. Empty where it never passes.
    """

    text: str
    unless: str = ""


QUIET = Reason("Nothing is wrong.", unless='ALERTS{alertstate="firing", alertname!="Watchdog"}')
NOTHING_DONE = Reason("No agent needed an action.", unless="nervesys_actions_total > 0")
NOT_ON_GITHUB = Reason("The brain is a plain Git repository.")

EXPECTED_EMPTY: dict[str, Reason] = {
    "agent-details / Actions / annotation": NOTHING_DONE,
    "main-overview / Firing now / A": QUIET,
    "main-overview / What was done / A": NOTHING_DONE,
}
"""By page, panel and query."""
