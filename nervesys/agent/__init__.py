"""The lean agent."""
