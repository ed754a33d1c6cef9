"""Full backups: what they contain, how they are written to the archive, verified, and deleted."""
