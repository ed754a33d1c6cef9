"""The optional language model: judges errors and summarizes days, within a budget. Nothing depends on it."""

from nervesys.analysis.analyst import Analyst, Judgement, make_analyst
from nervesys.analysis.prompt import Prompt, about_alert, about_day, about_error, about_patterns, about_record
from nervesys.analysis.verdict import ErrorSeverity, ErrorVerdict, NoModelAnswer

__all__ = [
    "Analyst",
    "ErrorSeverity",
    "ErrorVerdict",
    "Judgement",
    "NoModelAnswer",
    "Prompt",
    "about_alert",
    "about_day",
    "about_error",
    "about_patterns",
    "about_record",
    "make_analyst",
]
