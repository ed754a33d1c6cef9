"""The agent library: heartbeats, server metrics and logs are written to the store; almost nothing stays on the host.

from nervesys.agent import Agent

with Agent("grok") as agent, agent.task("code_review") as task:
    task.tokens = 120
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nervesys.agent.agent import Agent
    from nervesys.agent.logs.handler import render_for_logging
    from nervesys.agent.work import Task

__all__ = ["Agent", "Task", "render_for_logging"]
_PLACES = {
    "Agent": "nervesys.agent.agent",
    "Task": "nervesys.agent.work",
    "render_for_logging": "nervesys.agent.logs.handler",
}


def __getattr__(name: str) -> Any:
    """Import a name at its first use: programs that ship their audit trail need nothing else of an agent."""
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_PLACES[name]), name)
    return value
