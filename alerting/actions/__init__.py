"""What the receiver does: one file an action; each tries once, and says how that ended."""

ACTIONS = ("restart_agent", "log_to", "analyze")
"""Every action; each is the module of that name beside this file."""
