"""The receiver: takes webhooks, journals their alerts, acts, and checks that the action helped."""
