"""Print the names of the distributions that are installed."""

from importlib.metadata import distributions

print(*sorted({found.metadata["Name"].lower().replace("_", "-").replace(".", "-") for found in distributions()}))
