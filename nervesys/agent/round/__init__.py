"""The daily round: due logs go from the store to the archive, and what retention no longer keeps is deleted."""

from nervesys.agent.round.daily import Daily, Reports, Schedule, has_archive, no_reports
from nervesys.agent.round.leader import Leader, NotLeader
from nervesys.agent.round.plan import DayOfLogs, Plan, planned
from nervesys.agent.round.run import Round
from nervesys.agent.round.words import words_of

__all__ = [
    "Daily",
    "DayOfLogs",
    "Leader",
    "NotLeader",
    "Plan",
    "Reports",
    "Round",
    "Schedule",
    "has_archive",
    "no_reports",
    "planned",
    "words_of",
]
