"""What the receiver logs about changes: each of a few; of many, such as those of a storm, one line a kind."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from alerting.journal import StateChange

MOST = 20
"""Changes made at once that are logged one by one."""
EXAMPLES = 3


def describe_changes(changes: Sequence[StateChange]) -> Iterator[str]:
    """The lines to log.

    Args:
        changes: that were made at once, such as by one webhook.
    """
    if len(changes) <= MOST:
        yield from (f"{item.action} of {item.agent or '-'}: {item.state} {item.detail}" for item in changes)
        return
    kinds: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for item in changes:
        kinds[item.action, item.state, item.detail.partition(" ")[0]].append(item.agent or "-")
    for (action, state, detail), agents in kinds.items():
        some = ", ".join(list(dict.fromkeys(agents))[:EXAMPLES])
        yield f"{action}: {state} {detail}, {len(agents)} times, such as {some}"
