"""Asks the model within a budget: one request for all errors of the same kind, with secrets masked."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nervesys.analysis.budget import Budget
from nervesys.analysis.model import Model, ModelAnswer
from nervesys.analysis.prompt import Prompt
from nervesys.analysis.verdict import ErrorVerdict, NoModelAnswer, verdict_in
from nervesys.analysis.verdict_cache import open_cache
from nervesys.clock import Clock
from nervesys.settings.alibaba import AlibabaCloud

TEXT_CHARACTERS = 4000
"""Longest text of a model that is shown to people."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class Judgement:
    """A verdict, and what it cost.

    Attributes:
        tokens: 0 if the verdict was cached.
    """

    verdict: ErrorVerdict
    tokens: int


@dataclass
class Analyst:
    """The interface of the language model for other code.

    Attributes:
        uses: enabled uses, such as `error_analysis`.
        model: name of the model, for logs.
        ask: sends a question to the model.
        answer_tokens: maximum length of an answer, in tokens.
        budget: limits requests and tokens; holds the cache of verdicts.
        redact: masks secrets in a text.
        clock: the current time.
    """

    uses: Container[str]
    model: str
    ask: Callable[[Prompt], ModelAnswer]
    answer_tokens: int
    budget: Budget
    redact: Callable[[str], str]
    clock: Clock

    def judge(self, kind: str, question: Prompt) -> Judgement:
        """Judge whether an error is critical. The model is asked once a day for each kind of error.

        Args:
            kind: fingerprint of the error.
            question: about one error of that kind.

        Raises:
            NoAnswer: there is no verdict; the message says why.
        """
        known = self.budget.memory.verdict(kind, self.clock())
        if known:
            return Judgement(known, 0)
        verdict, tokens = self._ask(question, verdict_in)
        self.budget.memory.keep(kind, verdict, self.clock())
        return Judgement(verdict, tokens)

    def write(self, question: Prompt) -> str:
        """Let the model write a text for people.

        Raises:
            NoAnswer: there is no text; the message says why.
        """
        return self._ask(question, _text)[0]

    def close(self) -> None:
        """Close the cache."""
        self.budget.memory.close()

    def _ask(self, question: Prompt, read: Callable[[str], Read]) -> tuple[Read, int]:
        question = Prompt(question.instructions, self.redact(question.facts))
        self.budget.take(question.tokens + self.answer_tokens, self.clock())
        try:
            answer = self.ask(question)
            self.budget.spend(answer.tokens, self.clock())
            result = read(answer.text)
        except NoModelAnswer:
            self.budget.record_failure(self.clock())
            raise
        self.budget.record_success()
        return result, answer.tokens


def make_analyst(settings: AlibabaCloud, memory: Path, redact: Callable[[str], str], clock: Clock) -> Analyst | None:
    """Make the analyst that the settings describe; None if it is disabled.

    Args:
        settings: config/alibaba.yaml.
        memory: file of the cache.
        redact: masks secrets in a text.
        clock: the current time.
    """
    if not settings.enabled:
        return None
    budget = Budget(settings.requests_per_minute, settings.tokens_per_day, open_cache(memory))
    return Analyst(settings.use_for, settings.model, Model(settings).ask, settings.max_tokens, budget, redact, clock)


def _text(answer: str) -> str:
    text = answer.strip()[:TEXT_CHARACTERS]
    if not text:
        raise NoModelAnswer("read the model's answer: it is empty")
    return text
