"""Logs messages between agents. The log is a record of what was sent; it delivers nothing."""

import logging

from nervesys.contract import Category
from nervesys.contract.messages import ACTION, AgentMessage


def log_message(log: logging.Logger, message: AgentMessage) -> None:
    """Log a message, whatever the logger's level is: the communication log has no gaps.

    Args:
        log: of the agent that sent it.
        message: recipient, text and thread.
    """
    extra = {"action": ACTION, "category": Category.MESSAGE, "context": message.context()}
    log.handle(log.makeRecord(log.name, logging.INFO, "", 0, message.text, (), None, extra=extra))
