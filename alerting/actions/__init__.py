"""The actions of the receiver, one file each; an action tries once and returns the outcome."""

from collections.abc import Mapping

from alerting.actions import restart_agent, start_agent, stop_agent
from alerting.actions.remedy import Proof, Remedy

RESTART_AGENT, STOP_AGENT, START_AGENT = "restart_agent", "stop_agent", "start_agent"
LOG_TO, ANALYZE = "log_to", "analyze"
REMEDIES: Mapping[str, Remedy] = {RESTART_AGENT: restart_agent, STOP_AGENT: stop_agent, START_AGENT: start_agent}
"""The actions on an agent: each is the module of that name beside this file."""
BY_OPERATORS = (START_AGENT,)
"""Those that no alert may name as its `auto_action`: operators start agents, or the renewal of a budget does."""
RECORDS = (LOG_TO, ANALYZE)
"""The actions that are done once for each alert, in batches."""
ACTIONS = (*REMEDIES, *RECORDS)

__all__ = [
    "ACTIONS",
    "ANALYZE",
    "BY_OPERATORS",
    "LOG_TO",
    "RECORDS",
    "REMEDIES",
    "RESTART_AGENT",
    "START_AGENT",
    "STOP_AGENT",
    "Proof",
    "Remedy",
]
