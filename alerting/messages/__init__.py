"""Messages that the receiver itself sends to people, through the channels of config/alerts.yaml."""
