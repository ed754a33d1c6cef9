"""The actions of the receiver, one file each; an action tries once and returns the outcome."""

RESTART_AGENT, LOG_TO, ANALYZE = "restart_agent", "log_to", "analyze"
ACTIONS = (RESTART_AGENT, LOG_TO, ANALYZE)
"""Every action; each is the module of that name beside this file."""
