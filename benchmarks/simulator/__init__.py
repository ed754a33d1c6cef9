"""A simulated fleet of any size: its store is computed from the clock, so that seven days of history take no memory."""
