"""The page of one trace: its spans as a waterfall."""
