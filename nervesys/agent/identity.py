"""Who an agent is: its name, where it runs, and what the brain says of it."""

import logging
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nervesys.contract import PathTemplate, server_name
from nervesys.contract.names import agent_name
from nervesys.errors import BadObject, SettingsError, SettingsProblem, gathered
from nervesys.redact import Redactor
from nervesys.settings import AgentConfig, Loaded, Settings
from nervesys.stores.open_stores import Configuration
from nervesys.stores.sealing import missing


@dataclass
class Identity:
    """One agent, from one start to its end; what the brain says of it may change meanwhile.

    Attributes:
        name: of the agent.
        server: the host that it runs on.
        instance_id: new at every start; a restart is proven by it.
        started_at: Unix seconds.
        config: what the brain says of it.
        settings: what the brain says to all.
        folder: of everything that it keeps.
    """

    name: str
    server: str
    instance_id: str
    started_at: float
    config: AgentConfig
    settings: Settings
    folder: Path

    @property
    def log(self) -> logging.Logger:
        """The agent's own logger: what it says is shipped, whatever the root logger's level is."""
        return logging.getLogger(f"agents.{self.name}")

    @cached_property
    def redactor(self) -> Redactor:
        """Knows what is secret here."""
        said = self.config.logging.redact
        return Redactor(said.names, said.patterns)

    def key(self, template: str, **fields: str) -> str:
        """A key of one of the store's areas, for this agent on this server."""
        return PathTemplate(template).build(agent=self.name, server=self.server, **fields)


def named(called: str | None, environ: Mapping[str, str]) -> str:
    """An agent's name: as it is called, else `NERVESYS_AGENT`, else the machine's own name up to its first dot.

    Raises:
        SettingsError: that is no name of an agent.
    """
    name = called or environ.get("NERVESYS_AGENT") or socket.gethostname().partition(".")[0]
    try:
        return agent_name(name)
    except BadObject as bad:
        raise SettingsError([SettingsProblem("agent", "", f"{bad}; give its name, or set NERVESYS_AGENT")]) from bad


def identify(name: str, server: str | None, base: Configuration, environ: Mapping[str, str], now: float) -> Identity:
    """The identity of a new start.

    Args:
        name: as it was called.
        server: flag that wins over `NERVESYS_SERVER` and the machine's own name.
        base: the brain.
        environ: environment variables.
        now: Unix seconds.

    Raises:
        SettingsError: the brain does not know the agent or has switched it off, the server's name is none, or the
            paths of the store would let batches of logs overwrite each other.
    """
    mistakes: list[SettingsProblem] = []
    host = server or environ.get("NERVESYS_SERVER") or socket.gethostname()
    try:
        host = server_name(host)
    except BadObject as bad:
        mistakes.append(SettingsProblem("NERVESYS_SERVER", "", f"{bad}; set it, or pass --server"))
    config = None
    with gathered(mistakes):
        config = member(base.loaded, name)
    mistakes += _ambiguous(base)
    if base.loaded.settings.storage.encryption.recipients and (problem := missing()):
        mistakes.append(SettingsProblem("config/storage.yaml", "encryption.recipients", problem))
    if mistakes or config is None:
        raise SettingsError(mistakes)
    return Identity(name, host, str(uuid.uuid4()), now, config, base.loaded.settings, base.place.home / "agents" / name)


def member(loaded: Loaded, name: str) -> AgentConfig:
    """What the brain says of an agent.

    Raises:
        SettingsError: it does not know the agent, or has switched it off.
    """
    config = loaded.agents.get(name)
    if config is None:
        known = ", ".join(sorted(loaded.agents)) or "no agent"
        raise SettingsError(
            [SettingsProblem("agent", name, f"the brain has no config/agents/{name}.yaml; it knows: {known}")]
        )
    if not config.enabled:
        raise SettingsError([SettingsProblem(loaded.origins[f"agents.{name}.enabled"], "agent.enabled", "is false")])
    return config


def _ambiguous(base: Configuration) -> list[SettingsProblem]:
    """Paths that cannot tell two agents or two batches apart: good enough for reading, not for writing."""
    paths = base.loaded.settings.storage.storj.paths
    needed = {"agents": ({"agent"}, paths.agents), "active_logs": ({"agent", "date", "seq"}, paths.active_logs)}
    return [
        SettingsProblem(base.loaded.origins[f"storage.storj.paths.{area}"], f"storj.paths.{area}", _lacks(missing))
        for area, (fields, template) in needed.items()
        if (missing := sorted(fields - set(PathTemplate(template).fields)))
    ]


def _lacks(fields: list[str]) -> str:
    return f"an agent that writes here needs {', '.join(f'{{{field}}}' for field in fields)} in the path"
