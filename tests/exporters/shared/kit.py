"""What tests of log lines begin with."""

from typing import Any

PLAIN: dict[str, Any] = {
    "timestamp": "2026-01-31T10:15:00.250Z",
    "agent_id": "grok",
    "level": "INFO",
    "category": "activity",
    "action": "review",
    "message": "reviewed",
    "context": {"repository": "nervesys", "duration_ms": 1500},
    "metadata": {"model_version": "large", "tokens_used": 120},
}
"""A line as agents write it."""
