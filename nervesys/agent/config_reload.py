"""Changes of the configuration, and which of them take effect in a running agent."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nervesys.agent.identity import Identity, agent_config
from nervesys.settings import Loaded

AT_START = (
    "agent.buffer.path",
    "agent.telemetry.enabled",
    "agent.workload",
    "storage.brain",
    "storage.storj",
    "storage.workspace",
)
"""Read at the start only; all other settings are read at each use."""
SECRET = re.compile("key|secret|token|password|credential", re.IGNORECASE)
"""In a key whose value is never logged."""
MASK = "…"


@dataclass(frozen=True)
class SettingChange:
    """A changed value.

    Attributes:
        key: dotted, from `agent`, `storage` or `thresholds` on.
        before: the old value, or None.
        after: the new value, or None.
    """

    key: str
    before: Any
    after: Any

    @property
    def takes_effect_now(self) -> bool:
        """Whether it takes effect without a restart."""
        return not any(f"{self.key}.".startswith(f"{part}.") for part in AT_START)

    def __str__(self) -> str:
        if SECRET.search(self.key.rpartition(".")[2]):
            return f"{self.key}: {MASK} → {MASK}"
        return f"{self.key}: {_format_value(self.before)} → {_format_value(self.after)}"


def _format_value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def adopt(me: Identity, loaded: Loaded) -> list[SettingChange]:
    """Apply the current configuration to a running agent, as far as it takes effect without a restart.

    Returns:
        All changes, also those that need a restart.

    Raises:
        SettingsError: the agent is no longer in the brain, or is disabled; nothing was changed.
    """
    config, settings = agent_config(loaded, me.name), loaded.settings
    before = _flat({"agent": me.config, "storage": me.settings.storage, "thresholds": me.settings.thresholds})
    after = _flat({"agent": config, "storage": settings.storage, "thresholds": settings.thresholds})
    if (redact := config.logging.redact) != me.config.logging.redact:
        me.redactor.learn(redact.names, redact.patterns)
    unchanged = {name: getattr(me.settings.storage, name) for name in ("brain", "storj", "workspace")}
    me.config = config.model_copy(
        update={
            "buffer": config.buffer.model_copy(update={"path": me.config.buffer.path}),
            "workload": me.config.workload,
        }
    )
    me.settings = settings.model_copy(update={"storage": settings.storage.model_copy(update=unchanged)})
    return [
        SettingChange(key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _flat(models: Mapping[str, Any]) -> dict[str, Any]:
    """Every value by its dotted key; secrets dump themselves masked."""
    return {key: value for name, model in models.items() for key, value in _leaves(name, model.model_dump(mode="json"))}


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, nested in value.items():
            yield from _leaves(f"{key}.{name}", nested)
    else:
        yield key, value
