"""The agent library: heartbeats, server metrics and logs are written to the store; almost nothing stays on the host.

from nervesys.agent import Agent

with Agent("grok") as agent, agent.task("code_review") as task:
    task.tokens = 120
"""

from nervesys.agent.agent import Agent
from nervesys.agent.logs.handler import render_for_logging
from nervesys.agent.work import Task

__all__ = ["Agent", "Task", "render_for_logging"]
