"""config/alerts.yaml becomes rules and routes; what fires becomes actions, journalled and proven."""

from alerting.receiver.metrics import FAMILIES

__all__ = ["FAMILIES"]
