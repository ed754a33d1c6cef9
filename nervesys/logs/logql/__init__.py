"""The part of LogQL that people type: parsed, and evaluated over log records. Pure."""
