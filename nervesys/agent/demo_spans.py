"""Spans of simulated tasks, as instrumentations would record them: of the agent, its model and its tools."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nervesys.agent.agent import Agent
from nervesys.errors import NervesysError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

TOOLS = {"read": "read_repository", "write": "push_changes"}
"""By step; any other step calls the model."""
MODEL_LATE, PUSH_REFUSED = "the model did not answer in time", "the repository refused the push"
INPUT_SHARE, CACHED_SHARE = 0.7, 0.2
"""Of a task's tokens, and of these the ones that are read from a cache."""
LIMITED_EVERY = 23
"""Calls of models of which the provider refuses one at first."""


class DemoSpans:
    """Records spans, unless OpenTelemetry's packages are not installed.

    Args:
        agent: whose work is simulated.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent, self._model = agent.me.name, agent.me.config.model or "demo"
        self._tracer: Tracer | None = None
        try:
            agent.use_opentelemetry()
        except NervesysError:
            return
        from opentelemetry import trace

        self._tracer = trace.get_tracer("nervesys.demo")

    @contextmanager
    def task(self, action: str) -> Iterator[None]:
        """The span of a whole task."""
        attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": self._agent, "task": action}
        with self._span(f"invoke_agent {self._agent}", attributes):
            yield

    @contextmanager
    def step(self, step: str, tokens: int, error: str | None) -> Iterator[None]:
        """The span of one step.

        Args:
            step: a key of `TOOLS`, or any other for a call of the model.
            tokens: of the whole task.
            error: in which the task will end; the step that it fits fails.
        """
        if tool := TOOLS.get(step):
            failure = "PushRefused" if error == PUSH_REFUSED and step == "write" else None
            attributes: dict[str, Any] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
            with self._span(f"execute_tool {tool}", attributes, failure):
                yield
            return
        call = self._call
        if tokens % LIMITED_EVERY == 0:
            self.refused()
        used = {
            "gen_ai.usage.input_tokens": round(tokens * INPUT_SHARE),
            "gen_ai.usage.cache_read.input_tokens": round(tokens * INPUT_SHARE * CACHED_SHARE),
            "gen_ai.usage.output_tokens": round(tokens * (1 - INPUT_SHARE)),
        }
        late = error == MODEL_LATE
        with self._span(f"chat {self._model}", call if late else call | used, "timeout" if late else None):
            yield

    def refused(self) -> None:
        """A call that the provider refuses, because there were too many."""
        with self._span(f"chat {self._model}", self._call, "429"):
            pass

    @property
    def _call(self) -> dict[str, Any]:
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "demo",
            "gen_ai.request.model": self._model,
        }

    @contextmanager
    def _span(self, name: str, attributes: dict[str, Any], failure: str | None = None) -> Iterator["Span | None"]:
        if self._tracer is None:
            yield None
            return
        with self._tracer.start_as_current_span(name, attributes=attributes, record_exception=False) as span:
            if failure:
                from opentelemetry.trace import StatusCode

                span.set_attribute("error.type", failure)
                span.set_status(StatusCode.ERROR, failure)
            yield span
