"""The pages Logs and Tasks: what agents did, from store and archive."""
