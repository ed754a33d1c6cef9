"""What live sources and history tell alike. Light to import, for each of history's workers begins with that."""
