"""The actions of the receiver, one file each; an action tries once and returns the outcome."""

from collections.abc import Mapping

from alerting.actions import restart_agent
from alerting.actions.remedy import Proof, Remedy

RESTART_AGENT, LOG_TO, ANALYZE = "restart_agent", "log_to", "analyze"
REMEDIES: Mapping[str, Remedy] = {RESTART_AGENT: restart_agent}
"""The actions that alerts may name as their `auto_action`: each is the module of that name beside this file."""
RECORDS = (LOG_TO, ANALYZE)
"""The actions that are done once for each alert, in batches."""
ACTIONS = (*REMEDIES, *RECORDS)

__all__ = ["ACTIONS", "ANALYZE", "LOG_TO", "RECORDS", "REMEDIES", "RESTART_AGENT", "Proof", "Remedy"]
