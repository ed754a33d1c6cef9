"""What became another value in the configuration, and which of it takes effect in an agent that runs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nervesys.agent.identity import Identity, member
from nervesys.settings import Loaded

AT_START = (
    "agent.buffer.path",
    "agent.workload",
    "storage.brain",
    "storage.storj",
    "storage.workspace",
)
"""What a running agent has opened already; all else it reads each time that it needs it."""
SECRET = re.compile("key|secret|token|password|credential", re.IGNORECASE)
"""In a key whose value is told to nobody."""
COVERED = "…"


@dataclass(frozen=True)
class Change:
    """One value that is another one now.

    Attributes:
        key: dotted, from `agent`, `storage` or `thresholds` on.
        before: the value that was.
        after: the value that is; either is None where there is none.
    """

    key: str
    before: Any
    after: Any

    @property
    def live(self) -> bool:
        """Whether it takes effect at once, not only at the next start."""
        return not any(f"{self.key}.".startswith(f"{part}.") for part in AT_START)

    def __str__(self) -> str:
        if SECRET.search(self.key.rpartition(".")[2]):
            return f"{self.key}: {COVERED} → {COVERED}"
        return f"{self.key}: {_shown(self.before)} → {_shown(self.after)}"


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def adopt(me: Identity, loaded: Loaded) -> list[Change]:
    """Let an agent go by what the brain says now, as far as it takes effect at once.

    Returns:
        What is another value than the agent goes by.

    Raises:
        SettingsError: the brain does not know the agent any more, or has switched it off; all stays as it was.
    """
    config, settings = member(loaded, me.name), loaded.settings
    before = _flat({"agent": me.config, "storage": me.settings.storage, "thresholds": me.settings.thresholds})
    after = _flat({"agent": config, "storage": settings.storage, "thresholds": settings.thresholds})
    if (redact := config.logging.redact) != me.config.logging.redact:
        me.redactor.learn(redact.names, redact.patterns)
    opened = {name: getattr(me.settings.storage, name) for name in ("brain", "storj", "workspace")}
    me.config = config.model_copy(
        update={
            "buffer": config.buffer.model_copy(update={"path": me.config.buffer.path}),
            "workload": me.config.workload,
        }
    )
    me.settings = settings.model_copy(update={"storage": settings.storage.model_copy(update=opened)})
    return [
        Change(key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _flat(models: Mapping[str, Any]) -> dict[str, Any]:
    """Every value by its dotted key; secrets of the settings stay covered, as they dump themselves."""
    return {key: value for name, model in models.items() for key, value in _leaves(name, model.model_dump(mode="json"))}


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _leaves(f"{key}.{name}", below)
    else:
        yield key, value
