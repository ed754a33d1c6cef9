"""A project's workspace: what happened, as an event history that survives its writers."""

from nervesys.workspace.history import Event, History, Subscription

__all__ = ["Event", "History", "Subscription"]
