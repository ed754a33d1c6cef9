"""The edge: any endpoint that speaks OpenAI's chat completions, such as DashScope's compatible mode.

The client is imported when the first question is asked: it is heavy, and most fleets ask none.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nervesys.analysis.question import CHARACTERS_A_TOKEN, Question
from nervesys.analysis.verdict import NoAnswer
from nervesys.settings.alibaba import AlibabaCloud

if TYPE_CHECKING:
    from openai import OpenAI

EXTRA = "pip install 'nervesys-observability[analysis]'"


@dataclass(frozen=True)
class Answer:
    """What the model said.

    Attributes:
        text: as it is; not to be trusted.
        tokens: that question and answer cost.
    """

    text: str
    tokens: int


@dataclass(frozen=True)
class Model:
    """A model behind an endpoint.

    Attributes:
        settings: the endpoint, the key, the model, its limits.
    """

    settings: AlibabaCloud

    def ask(self, question: Question) -> Answer:
        """Ask; blocks for no longer than the settings say.

        Raises:
            NoAnswer: the endpoint is away, refuses, or says nothing.
        """
        said = self.settings
        try:
            from openai import OpenAIError
        except ImportError:
            raise NoAnswer(f"ask {said.model}: type: {EXTRA}") from None
        try:
            answer = self._client.chat.completions.create(
                model=said.model,
                max_tokens=said.max_tokens,
                temperature=said.temperature,
                messages=[
                    {"role": "system", "content": question.instructions},
                    {"role": "user", "content": question.facts},
                ],
            )
        except (OpenAIError, ValueError) as err:  # the second, where the body is no JSON
            raise NoAnswer(f"ask {said.model} at {said.base_url}: {_cause(err)}") from None
        text = (answer.choices[0].message.content if answer.choices else None) or ""
        used = answer.usage.total_tokens if answer.usage else question.tokens + len(text) // CHARACTERS_A_TOKEN
        return Answer(text, used)

    @cached_property
    def _client(self) -> "OpenAI":
        from openai import OpenAI

        key = self.settings.api_key.get_secret_value() if self.settings.api_key else "none"
        return OpenAI(
            api_key=key, base_url=self.settings.base_url, timeout=self.settings.timeout_seconds, max_retries=0
        )


def _cause(err: Exception) -> str:
    """The kind of failure, in words; what the endpoint wrote may quote the question, or the key."""
    status = getattr(err, "status_code", None)
    return f"status {status}" if status else type(err).__name__
