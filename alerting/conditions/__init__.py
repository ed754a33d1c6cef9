"""Conditions of alerts: their language, its vocabulary, and the PromQL that they are compiled to."""
