"""Copies of what an agent keeps locally: backups, databases and workspaces, and how they are restored."""
