"""The log pipeline of an agent: from the `logging` module through a buffer on disk to objects in the store."""
