"""The daily round: moves due logs from the store to the archive, and deletes what is past its retention."""

from nervesys.agent.round.daily import DailyRound, Reports, RoundSchedule, no_reports
from nervesys.agent.round.day_description import open_describer
from nervesys.agent.round.leader import Leader, NotLeader
from nervesys.agent.round.log_summary import open_summarizer
from nervesys.agent.round.plan import DayOfLogs, RoundPlan, make_plan
from nervesys.agent.round.preview import describe_plan, preview
from nervesys.agent.round.run import Round

__all__ = [
    "DailyRound",
    "DayOfLogs",
    "Leader",
    "NotLeader",
    "Reports",
    "Round",
    "RoundPlan",
    "RoundSchedule",
    "describe_plan",
    "make_plan",
    "no_reports",
    "open_describer",
    "open_summarizer",
    "preview",
]
