"""What the receiver does: one file an action; each tries once, and says how that ended."""

RESTART_AGENT, LOG_TO, ANALYZE = "restart_agent", "log_to", "analyze"
ACTIONS = (RESTART_AGENT, LOG_TO, ANALYZE)
"""Every action; each is the module of that name beside this file."""
