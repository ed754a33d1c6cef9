"""Store, archive and brain, each behind a small interface."""
