"""Asks the model when it is worth it: one call for a thousand equal errors, within the budget, and without secrets."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nervesys.analysis.budget import Budget
from nervesys.analysis.memory import remembered
from nervesys.analysis.model import Answer, Model
from nervesys.analysis.question import Question
from nervesys.analysis.verdict import NoAnswer, Verdict, verdict_in
from nervesys.clock import Clock
from nervesys.settings.alibaba import AlibabaCloud

TEXT_CHARACTERS = 4000
"""Of a text that a model wrote for people."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class Judgement:
    """A verdict, and what it cost.

    Attributes:
        tokens: 0 where it was remembered.
    """

    verdict: Verdict
    tokens: int


@dataclass
class Analyst:
    """Whoever asks, asks this.

    Attributes:
        uses: what it may be asked for, such as `error_analysis`.
        model: its name, as logs say who judged.
        ask: the model.
        answer_tokens: that an answer may have.
        budget: what may be asked at all; knows what was said before.
        redact: takes secrets out of a text.
    """

    uses: Container[str]
    model: str
    ask: Callable[[Question], Answer]
    answer_tokens: int
    budget: Budget
    redact: Callable[[str], str]
    clock: Clock

    def judge(self, kind: str, question: Question) -> Judgement:
        """Say whether something is critical; the same kind is asked about once a day.

        Args:
            kind: what equal errors have in common.
            question: about one of them.

        Raises:
            NoAnswer: nobody knows, and why.
        """
        known = self.budget.memory.verdict(kind, self.clock())
        if known:
            return Judgement(known, 0)
        verdict, tokens = self._asked(question, verdict_in)
        self.budget.memory.keep(kind, verdict, self.clock())
        return Judgement(verdict, tokens)

    def write(self, question: Question) -> str:
        """A text for people.

        Raises:
            NoAnswer: there is none, and why.
        """
        return self._asked(question, _text)[0]

    def close(self) -> None:
        """Close what it remembers."""
        self.budget.memory.close()

    def _asked(self, question: Question, read: Callable[[str], Read]) -> tuple[Read, int]:
        question = Question(question.instructions, self.redact(question.facts))
        self.budget.take(question.tokens + self.answer_tokens, self.clock())
        try:
            answer = self.ask(question)
            self.budget.spend(answer.tokens, self.clock())
            said = read(answer.text)
        except NoAnswer:
            self.budget.failed(self.clock())
            raise
        self.budget.worked()
        return said, answer.tokens


def analyst_of(settings: AlibabaCloud, memory: Path, redact: Callable[[str], str], clock: Clock) -> Analyst | None:
    """The analyst that the settings describe; None where it is not enabled.

    Args:
        settings: config/alibaba.yaml.
        memory: the file of what was said before.
        redact: takes secrets out of a text.
        clock: of budgets.
    """
    if not settings.enabled:
        return None
    budget = Budget(settings.requests_per_minute, settings.tokens_per_day, remembered(memory))
    return Analyst(settings.use_for, settings.model, Model(settings).ask, settings.max_tokens, budget, redact, clock)


def _text(answer: str) -> str:
    text = answer.strip()[:TEXT_CHARACTERS]
    if not text:
        raise NoAnswer("read the model's answer: it is empty")
    return text
