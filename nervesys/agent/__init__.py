"""The lean agent: it keeps almost nothing, and leaves heartbeats, server metrics and logs in the pillars.

from nervesys.agent import Agent

with Agent("grok") as agent, agent.task("code_review") as task:
    task.tokens = 120
"""

from nervesys.agent.agent import Agent
from nervesys.agent.logs.handler import render_for_logging
from nervesys.agent.work import Task

__all__ = ["Agent", "Task", "render_for_logging"]
