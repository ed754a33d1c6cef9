"""The journal: the durable record of what was received, decided and done."""

from alerting.journal.journal import Journal, JournalUnavailable
from alerting.journal.states import OPEN_STATES, Change, Episode, State, Verdict
from nervesys.database import Writer

__all__ = ["OPEN_STATES", "Change", "Episode", "Journal", "JournalUnavailable", "State", "Verdict", "Writer"]
