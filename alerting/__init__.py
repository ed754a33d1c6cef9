"""config/alerts.yaml becomes rules and routes; what fires becomes actions, journalled and proven."""

FAMILIES = ()
