"""Placeholder."""

FAMILIES = ()
