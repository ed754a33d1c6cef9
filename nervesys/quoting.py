"""Escaping of values in quotes, for clients that need no metrics of their own, such as those of agents."""


def escape_quoted(value: str) -> str:
    """Escape for a double-quoted string of the exposition format, of PromQL, or of Alertmanager's matchers."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
