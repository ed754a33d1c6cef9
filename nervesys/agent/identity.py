"""Identity of an agent: its name, its server, and its configuration in the brain."""

import logging
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nervesys.contract import PathTemplate, server_name
from nervesys.contract.names import agent_name
from nervesys.errors import BadObject, SettingsError, SettingsProblem, collect_problems
from nervesys.redact import Redactor
from nervesys.settings import AgentConfig, Loaded, Settings
from nervesys.stores.encryption import missing_package
from nervesys.stores.open_stores import Configuration


@dataclass
class Identity:
    """An agent from a start to its end; `config` and `settings` may change meanwhile.

    Attributes:
        name: of the agent.
        server: the host that it runs on.
        instance_id: UUID, new at every start; it proves a restart.
        started_at: Unix seconds.
        config: of this agent, from the brain.
        settings: of all agents, from the brain.
        folder: of its local files.
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
        """The agent's own logger: its records are shipped, whatever the root logger's level is."""
        return logging.getLogger(f"agents.{self.name}")

    @cached_property
    def redactor(self) -> Redactor:
        """Removes secrets, with the configured names and patterns."""
        redact = self.config.logging.redact
        return Redactor(redact.names, redact.patterns)

    def key(self, template: str, **fields: str) -> str:
        """Build a key of an area of the store, for this agent on this server."""
        return PathTemplate(template).build(agent=self.name, server=self.server, **fields)


def resolve_name(given_name: str | None, environ: Mapping[str, str]) -> str:
    """An agent's name: as given, else `NERVESYS_AGENT`, else the host name up to its first dot.

    Raises:
        SettingsError: it is not a valid name of an agent.
    """
    name = given_name or environ.get("NERVESYS_AGENT") or socket.gethostname().partition(".")[0]
    try:
        return agent_name(name)
    except BadObject as bad:
        raise SettingsError([SettingsProblem("agent", "", f"{bad}; give its name, or set NERVESYS_AGENT")]) from bad


def identify(name: str, server: str | None, base: Configuration, environ: Mapping[str, str], now: float) -> Identity:
    """Build the identity of an agent that starts.

    Args:
        name: of the agent.
        server: flag that wins over `NERVESYS_SERVER` and the host name.
        base: the brain's configuration.
        environ: environment variables.
        now: Unix seconds.

    Raises:
        SettingsError: the agent is not in the brain or is disabled, the server's name is invalid, or with the paths
            of the store batches of logs would overwrite each other.
    """
    mistakes: list[SettingsProblem] = []
    host = server or environ.get("NERVESYS_SERVER") or socket.gethostname()
    try:
        host = server_name(host)
    except BadObject as bad:
        mistakes.append(SettingsProblem("NERVESYS_SERVER", "", f"{bad}; set it, or pass --server"))
    config = None
    with collect_problems(mistakes):
        config = agent_config(base.loaded, name)
    mistakes += _find_ambiguous_paths(base)
    if base.loaded.settings.storage.encryption.recipients and (problem := missing_package()):
        mistakes.append(SettingsProblem("config/storage.yaml", "encryption.recipients", problem))
    if mistakes or config is None:
        raise SettingsError(mistakes)
    return Identity(name, host, str(uuid.uuid4()), now, config, base.loaded.settings, base.place.home / "agents" / name)


def agent_config(loaded: Loaded, name: str) -> AgentConfig:
    """The configuration of an agent in the brain.

    Raises:
        SettingsError: the agent is not in the brain, or is disabled.
    """
    config = loaded.agents.get(name)
    if config is None:
        known = ", ".join(sorted({*loaded.agents, *loaded.unread})) or "no agent"
        raise SettingsError(
            [SettingsProblem("agent", name, f"the brain has no config/agents/{name}.yaml; it knows: {known}")]
        )
    if not config.enabled:
        raise SettingsError([SettingsProblem(loaded.origins[f"agents.{name}.enabled"], "agent.enabled", "is false")])
    return config


def _find_ambiguous_paths(base: Configuration) -> list[SettingsProblem]:
    """Path templates with which two agents or two batches have the same key: allowed for readers, not for writers."""
    paths = base.loaded.settings.storage.storj.paths
    batch = {"agent", "date", "seq"}
    needed = {
        "agents": ({"agent"}, paths.agents),
        "active_logs": (batch, paths.active_logs),
        "active_traces": (batch, paths.active_traces),
    }
    return [
        SettingsProblem(
            base.loaded.origins[f"storage.storj.paths.{area}"],
            f"storj.paths.{area}",
            _describe_missing(missing_package),
        )
        for area, (fields, template) in needed.items()
        if (missing_package := sorted(fields - set(PathTemplate(template).fields)))
    ]


def _describe_missing(fields: list[str]) -> str:
    return f"an agent that writes here needs {', '.join(f'{{{field}}}' for field in fields)} in the path"
