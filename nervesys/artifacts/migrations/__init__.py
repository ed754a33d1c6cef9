"""Alembic migrations of the manifests, run at every start of the service."""
