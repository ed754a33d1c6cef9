"""Generates rules and routes from config/alerts.yaml, and acts on the alerts that fire (`alerting.receiver`)."""

from alerting.receiver.metrics import FAMILIES

__all__ = ["FAMILIES"]
