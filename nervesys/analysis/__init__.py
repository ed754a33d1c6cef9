"""The optional language model: judges errors and summarizes days, within a budget. Nothing depends on it."""

from nervesys.analysis.analyst import Analyst, Judgement, analyst_of
from nervesys.analysis.question import Question, about_alert, about_day, about_error
from nervesys.analysis.verdict import NoAnswer, Severity, Verdict

__all__ = [
    "Analyst",
    "Judgement",
    "NoAnswer",
    "Question",
    "Severity",
    "Verdict",
    "about_alert",
    "about_day",
    "about_error",
    "analyst_of",
]
