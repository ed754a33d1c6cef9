"""The journal: the durable record of what was received, decided and done."""

from alerting.journal.journal import Journal, JournalUnavailable
from alerting.journal.states import OPEN_STATES, ActionState, Episode, EpisodeVerdict, StateChange
from nervesys.database import Writer

__all__ = [
    "OPEN_STATES",
    "ActionState",
    "Episode",
    "EpisodeVerdict",
    "Journal",
    "JournalUnavailable",
    "StateChange",
    "Writer",
]
