"""The client of any OpenAI-compatible chat completions API, such as DashScope.

The openai package is imported with the first question, because it is large and most fleets do not use it.
"""

from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from nervesys.analysis.prompt import CHARACTERS_A_TOKEN, Prompt
from nervesys.analysis.verdict import NoModelAnswer
from nervesys.settings.alibaba import AlibabaCloud

if TYPE_CHECKING:
    from openai import OpenAI

EXTRA = "pip install 'nervesys-observability[analysis]'"

REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@dataclass(frozen=True)
class ModelAnswer:
    """A response of the model.

    Attributes:
        text: untrusted.
        tokens: cost of question and response.
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

    def ask(self, question: Prompt) -> ModelAnswer:
        """Ask a question; blocks for at most the configured timeout, however slowly the API sends.

        Raises:
            NoAnswer: the API is unavailable or refuses the request.
        """
        settings = self.settings
        try:
            from openai import OpenAIError
        except ImportError:
            raise NoModelAnswer(f"ask {settings.model}: the package openai is not installed; type: {EXTRA}") from None
        try:
            response = self._client.chat.completions.create(
                model=settings.model,
                max_tokens=settings.max_tokens,
                temperature=settings.temperature,
                messages=[
                    {"role": "system", "content": question.instructions},
                    {"role": "user", "content": question.facts},
                ],
            )
        except (OpenAIError, ValueError) as err:  # the second, where the body is no JSON
            raise NoModelAnswer(f"ask {settings.model} at {settings.base_url}: {_cause(err)}") from None
        text = (response.choices[0].message.content if response.choices else None) or ""
        used = response.usage.total_tokens if response.usage else question.tokens + len(text) // CHARACTERS_A_TOKEN
        return ModelAnswer(text, used)

    @cached_property
    def _client(self) -> "OpenAI":
        from openai import DefaultHttpxClient, OpenAI

        # They import httpx2, which comes with openai, and requests, which an agent has not.
        from nervesys.analysis.bounded_transport import BoundedTransport
        from nervesys.clients.bounded_http import MAX_REDIRECTS

        transport = BoundedTransport(self.settings.timeout_seconds)
        http = DefaultHttpxClient(transport=transport, max_redirects=MAX_REDIRECTS)
        key = self.settings.api_key.get_secret_value() if self.settings.api_key else "none"
        return OpenAI(api_key=key, base_url=self.settings.base_url, http_client=http, max_retries=0)


def _cause(err: Exception) -> str:
    """The kind of failure, without the API's own message, which may quote the question or the key."""
    from openai import APIConnectionError, APITimeoutError

    if status := getattr(err, "status_code", None):
        return f"the key is refused (status {status})" if status in REFUSED else f"status {status}"
    if isinstance(err, APITimeoutError):
        return "timed out"
    return "cannot connect" if isinstance(err, APIConnectionError) else "the response is not that of a model"
