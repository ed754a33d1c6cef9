"""The pillars behind three small interfaces: objects (the store), archive, brain."""
