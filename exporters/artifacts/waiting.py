"""Area `waiting`: requests of this machine's agents that wait until the artifact service answers."""

from pathlib import Path

from exporters.runner import Refresh
from nervesys.artifacts.outbox import FILE, OutboxState, read_state
from nervesys.contract.names import agent_name
from nervesys.errors import BadObject, NervesysError, Reason, SourceError
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea

AGENT = ("agent",)
ORIGIN = SourceArea("artifacts", "waiting")
WAITING = Family(
    "artifact_waiting_requests",
    "gauge",
    "Requests waiting to be sent to the artifact service.",
    AGENT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="waiting artifact requests", kind="level", labels=AGENT, origin=ORIGIN),),
)
OLDEST = Family(
    "artifact_oldest_waiting_request_timestamp_seconds",
    "gauge",
    "Creation time of the agent's oldest waiting request; absent if none waits.",
    AGENT,
    Period.SCRAPE,
    optional={"": "no artifact waits for its service"},
)
REFUSED = Family(
    "artifact_refused_requests",
    "gauge",
    "Requests that the artifact service refused.",
    AGENT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="refused artifact requests", kind="level", labels=AGENT, origin=ORIGIN),),
)
FAMILIES = (WAITING, OLDEST, REFUSED)


class WaitingArea:
    """The area.

    Args:
        folder: of all agents' own folders.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def refresh(self, out: Refresh) -> None:
        """One pass: look into each agent's file.

        Raises:
            SourceError: the folder cannot be read.
        """
        try:
            files = sorted(self._folder.glob(f"*/{FILE}"))
        except OSError as err:
            raise SourceError(f"read {self._folder}: {err.strerror}") from err
        out.keep_only([file.parent.name for file in files])
        for file in files:
            folder = file.parent.name
            try:
                state = read_state(file)
                out.put(folder, state, _samples(agent_name(folder), state))
            except BadObject as bad:
                out.reject(folder, "", bad)
            except NervesysError as err:
                out.reject(folder, str(err), BadObject(Reason.BAD_VALUE, str(err)))


def _samples(agent: str, state: OutboxState) -> list[Sample]:
    oldest = [] if state.oldest is None else [OLDEST.sample(state.oldest, agent)]
    return [WAITING.sample(state.waiting, agent), REFUSED.sample(state.refused, agent), *oldest]
