"""Plans the files of a fleet of one's own: a brain, and the home of its monitoring. Pure: answers in, texts out.

Only what differs from the shipped defaults is written.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import yaml

HOME, BRAIN = ".nervesys", "brain"
"""Folders below that of the fleet; the first is the default of NERVESYS_HOME, so commands find it from there."""
ENV_FILE, AGENT_ENV_FILE, RECEIVER_FILE = f"{HOME}/.env", "agent.env", f"{HOME}/receiver.yaml"
SECRETS = f"{HOME}/secrets"
PRIVATE, SHARED = 0o600, 0o644
DOCS = "https://github.com/nervesys/nervesys-observability/blob/main/docs/how-to"
OPTIONAL_SOURCES = ("artifacts", "traces", "vitality", "workspace")
"""Sources that few fleets have at first."""

TARGETS = {
    "supervisor": "{agent}",
    "systemd": "nervesys-agent@{agent}.service",
    "docker": "{agent}",
    "kubernetes": "{agent}",
    "pod": "{agent}",
    "command": "{agent}",
}
"""Drivers, each with the name by which it usually knows an agent."""
DEFAULT_URLS = {"supervisor": "unix:///run/supervisor.sock", "docker": "http://127.0.0.1:2375"}
"""Drivers that need a URL for each server."""
EMPTY_RECEIVER_FILE = f"""\
# What the receiver may call to restart agents; no brain can change it. See {DOCS}/restarts.md
drivers: {{}}
"""


@dataclass(frozen=True)
class FleetMember:
    """An agent, and the server that it runs on."""

    name: str
    server: str


@dataclass(frozen=True)
class FleetAnswers:
    """What the operator answered.

    Attributes:
        agents: the agents to add.
        endpoint: URL of the store's S3 API.
        bucket: of the store.
        region: of the store; None for the default.
        archive: `file:///path` or `gdrive://FOLDER_ID`; None for no archive.
        brain_url: where the brain will be pushed to; None to use the new repository itself.
        driver: a key of `TARGETS`.
        urls: how the driver reaches a server, by the server's name.
        slack: channel of Slack, such as `#alerts`; None for none.
    """

    agents: tuple[FleetMember, ...]
    endpoint: str
    bucket: str
    region: str | None = None
    archive: str | None = None
    brain_url: str | None = None
    driver: str = "supervisor"
    urls: Mapping[str, str] = field(default_factory=dict)
    slack: str | None = None

    @property
    def servers(self) -> tuple[str, ...]:
        """Every server, once."""
        return tuple(dict.fromkeys(agent.server for agent in self.agents))


@dataclass(frozen=True)
class PlannedFile:
    """A file to create.

    Attributes:
        text: its content; empty for a secret that the operator puts in.
        mode: its permissions.
        needs: what the operator puts in, if it is empty.
    """

    text: str
    mode: int = SHARED
    needs: str = ""


def plan_files(answers: FleetAnswers, folder: Path) -> dict[str, PlannedFile]:
    """Every file except the token of the receiver and units, by path below the folder.

    Args:
        answers: the operator's.
        folder: of the fleet, absolute.
    """
    files = {f"{BRAIN}/{path}": PlannedFile(text) for path, text in brain_files(answers)}
    files |= dict(_home_files(answers, folder))
    files[AGENT_ENV_FILE] = PlannedFile(_agent_environment(answers, folder), PRIVATE)
    return files


def plan_additions(
    answers: FleetAnswers, planned: Mapping[str, PlannedFile], kept: Mapping[str, str]
) -> dict[str, str]:
    """What a file that is kept lacks, by path: lines of the environment, and drivers of servers.

    Args:
        answers: the operator's.
        planned: the files, had there been none.
        kept: text of the files that exist already.
    """
    found: dict[str, str] = {}
    for path, text in kept.items():
        if path == RECEIVER_FILE:
            servers = [server for server in answers.servers if not _names(text, server)]
            missing = driver_section(answers, servers) if servers else ""
        else:
            names = {line.partition("=")[0] for line in text.splitlines()}
            lines = planned[path].text.splitlines()
            missing = "\n".join(line for line in lines if "=" in line and line.partition("=")[0] not in names)
        if missing:
            found[path] = missing
    return found


def _names(text: str, server: str) -> bool:
    """Whether `receiver.yaml` mentions a server, or every server."""
    return bool(re.search(rf"(?<![\w.-]){re.escape(server)}(?![\w.-])", text)) or '"*"' in text or "'*'" in text


def brain_files(answers: FleetAnswers) -> Iterator[tuple[str, str]]:
    """The files of the brain, by path within it."""
    yield "config/storage.yaml", _storage(answers)
    yield "config/monitoring.yaml", _monitoring()
    if answers.slack:
        yield "config/alerts.yaml", _alerts(answers.slack)
    yield "config/agents/default.yaml", _default_agent(answers)
    for agent in answers.agents:
        yield f"config/agents/{agent.name}.yaml", _agent(agent)


def driver_section(answers: FleetAnswers, servers: Sequence[str]) -> str:
    """The drivers of `receiver.yaml` that reach some servers, as YAML."""
    if not answers.servers:
        return "drivers: {}\n"
    return _yaml({"drivers": {answers.driver: _driver(answers, servers)}})


def _driver(answers: FleetAnswers, servers: Sequence[str]) -> dict[str, object]:
    match answers.driver:
        case "systemd":
            return {"servers": list(servers)}
        case "kubernetes":
            return {"namespace": "default", "servers": ["*"]}
        case "pod":
            return {"servers": ["*"]}
        case "command":
            argv = ["/usr/bin/ssh", "-oBatchMode=yes", "{server}", "systemctl restart nervesys-agent@{target}"]
            return {"argv": argv, "servers": list(servers)}
    instances = {name: {"url": answers.urls.get(name) or DEFAULT_URLS[answers.driver]} for name in servers}
    if len(instances) == 1:
        [(name, instance)] = instances.items()
        return {**instance, "servers": [name]}
    return {name: {**instance, "servers": [name]} for name, instance in instances.items()}


def _storage(answers: FleetAnswers) -> str:
    store = {"endpoint": answers.endpoint, "bucket": answers.bucket}
    if answers.region:
        store["region"] = answers.region
    text = f"# The keys of the store are secrets, and never stand here.\n{_yaml({'storj': store})}"
    if answers.archive:
        return f"{text}\n{_yaml({'archive': {'url': answers.archive}})}"
    return f"{text}\n# archive: {{url: file:///srv/archive}}   # or gdrive://FOLDER_ID: old logs, backups and reports\n"


def _monitoring() -> str:
    rows = "".join(f"  {name}: {{enabled: false}}\n" for name in OPTIONAL_SOURCES)
    return f"# Sources that this fleet does not have; delete a line when it has one.\nsources:\n{rows}"


def _alerts(channel: str) -> str:
    notice = "# Laid over the shipped alerts; `nervesys alerts check` shows the result.\n"
    return notice + _yaml({"channels": {"slack": {"type": "slack", "enabled": True, "channel": channel}}})


def _default_agent(answers: FleetAnswers) -> str:
    restart = {"driver": answers.driver, "target": TARGETS[answers.driver]}
    return (
        "# What all agents share; NAME.yaml beside this file wins. `nervesys config check` shows every value.\n"
        f"{_yaml({'agent': {'restart': restart}})}"
    )


def _agent(agent: FleetMember) -> str:
    return (
        f"{_yaml({'agent': {'name': agent.name, 'server': agent.server}})}"
        "  # role: research                     # shown on the dashboards\n"
        "  # model: gpt-5\n"
    )


def _home_files(answers: FleetAnswers, folder: Path) -> Iterator[tuple[str, PlannedFile]]:
    notice = EMPTY_RECEIVER_FILE.splitlines(keepends=True)[0]
    yield RECEIVER_FILE, PlannedFile(notice + driver_section(answers, answers.servers), PRIVATE)
    yield ENV_FILE, PlannedFile(_environment(answers, folder), PRIVATE)
    for name, needs in _secrets(answers):
        yield f"{SECRETS}/{name}", PlannedFile("", PRIVATE, needs)


def _secrets(answers: FleetAnswers) -> Iterator[tuple[str, str]]:
    """Secrets that the operator puts in: name and description."""
    yield "store_access_key", f"access key of {answers.endpoint}; reading is enough"
    yield "store_secret_key", "its secret key"
    if answers.slack:
        yield "slack_url", "URL of an incoming webhook of Slack"
    if _is_https(answers.brain_url):
        yield "github_token", "token that may read the brain, and push to its branch `state`"
    if _is_drive(answers.archive):
        yield "drive_service_account.json", "key file of a service account of Google Drive"


def _environment(answers: FleetAnswers, folder: Path) -> str:
    secrets = folder / SECRETS
    values = {
        "NERVESYS_HOME": folder / HOME,
        "NERVESYS_BRAIN": answers.brain_url or folder / BRAIN,
        "STORJ_ACCESS_KEY_FILE": secrets / "store_access_key",
        "STORJ_SECRET_KEY_FILE": secrets / "store_secret_key",
    }
    if _is_https(answers.brain_url):
        values["GITHUB_TOKEN_FILE"] = secrets / "github_token"
    if _is_drive(answers.archive):
        values["GDRIVE_SERVICE_ACCOUNT_JSON"] = secrets / "drive_service_account.json"
    return "# Environment of the monitoring programs.\n" + _assignments(values)


def _agent_environment(answers: FleetAnswers, folder: Path) -> str:
    """A template for machines that run agents; their keys may write, so they differ from those of the monitoring."""
    text = (
        "# Environment of the agents of one machine: copy this file there, put in the keys, and let only the\n"
        "# agents' user read it. Each NAME may be NAME_FILE, the path of a file that holds the value.\n"
    )
    values: dict[str, object] = {
        "NERVESYS_BRAIN": answers.brain_url or folder / BRAIN,
        "STORJ_ACCESS_KEY": "",
        "STORJ_SECRET_KEY": "",
    }
    if _is_https(answers.brain_url):
        values["GITHUB_TOKEN"] = ""
    servers = answers.servers
    comment = f"# The name of this machine in the brain: {' or '.join(servers)}. Where it is empty: the host name.\n"
    values["NERVESYS_SERVER"] = servers[0] if len(servers) == 1 else ""
    *first, last = _assignments(values).splitlines(keepends=True)
    return text + "".join(first) + comment + last


def _assignments(values: Mapping[str, object]) -> str:
    """Lines that a shell, systemd and Docker read alike; values with spaces are quoted."""
    return "".join(f"{name}={_quote(str(value))}\n" for name, value in values.items())


def _quote(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _is_https(url: str | None) -> bool:
    return bool(url and url.startswith("https://"))


def _is_drive(url: str | None) -> bool:
    return bool(url and url.startswith("gdrive:"))


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=120)


class PlannedTree:
    """The brain as it will be: files that exist, and planned ones."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str) -> bytes | None:
        """The file's content, or None where there is none."""
        return self._files.get(path)

    def names(self, folder: str) -> list[str]:
        """The names of the files in a folder, sorted; empty where there is none."""
        return sorted(path.name for path in map(PurePosixPath, self._files) if str(path.parent) == folder)
