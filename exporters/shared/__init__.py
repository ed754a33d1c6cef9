"""Parsing and summing that live sources and the backfill share. Cheap to import: each backfill worker imports it."""
