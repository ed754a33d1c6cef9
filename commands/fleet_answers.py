"""What `nervesys init` needs to know: from options, on a terminal from questions, and from a brain that exists."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from nervesys.contract import agent_name, server_name
from nervesys.errors import BadObject
from nervesys.settings import FolderTree, load
from nervesys.settings.urls import has_credentials
from nervesys.stack.new_home import BRAIN, DEFAULT_URLS, TARGETS, FleetAnswers, FleetMember

STORE_URL, BUCKET, DRIVER, CHANNEL = "https://gateway.storjshare.io", "nervesys", "supervisor", "#nervesys"
RESERVED = "default"
"""`config/agents/default.yaml` holds what all agents share."""
NEEDED = "a new fleet needs --agent NAME@SERVER, --store URL and --bucket NAME; on a terminal you are asked for them"


@dataclass(frozen=True)
class InitOptions:
    """The options of `nervesys init` as they were given.

    Attributes:
        agents: `NAME@SERVER`, or `NAME` for this machine.
        store: URL of the S3 API.
        bucket: of the store.
        region: of the store.
        archive: URL.
        brain_url: Git URL.
        driver: name.
        reach: `SERVER=URL`.
        slack: channel.
    """

    agents: tuple[str, ...] = ()
    store: str | None = None
    bucket: str | None = None
    region: str | None = None
    archive: str | None = None
    brain_url: str | None = None
    driver: str | None = None
    reach: tuple[str, ...] = ()
    slack: str | None = None


def complete(folder: Path, given: InitOptions, *, asks: bool) -> FleetAnswers:
    """The answers: from options first, then from a brain that exists, then from questions.

    Args:
        folder: of the fleet; where it has a brain, nothing is asked for.
        given: the options.
        asks: whether somebody is there to answer questions.

    Raises:
        typer.BadParameter: an answer is wrong, or missing where nobody can be asked.
    """
    if (folder / BRAIN / "config").is_dir():
        return _answers(_from_brain(folder, given))
    if asks:
        given = _ask(given)
    if not (given.agents and given.store and given.bucket):
        raise typer.BadParameter(NEEDED)
    return _answers(given)


def _ask(given: InitOptions) -> InitOptions:
    """Ask for what the options leave open."""
    agents = given.agents or typer.prompt("Agents, as NAME@SERVER NAME@SERVER …", value_proc=_names)
    members = tuple(map(_member, agents))
    store = given.store or typer.prompt("URL of the store's S3 API", default=STORE_URL, value_proc=_http_url)
    bucket = given.bucket or typer.prompt("Its bucket", default=BUCKET)
    what = f"What restarts the agents ({', '.join(TARGETS)})"
    driver = given.driver or typer.prompt(what, default=DRIVER, value_proc=_driver)
    reach = dict(map(_reach, given.reach))
    for server in dict.fromkeys(member.server for member in members):
        if driver in DEFAULT_URLS and server not in reach:
            reach[server] = typer.prompt(f"URL of {driver} on {server}", default=DEFAULT_URLS[driver])
    slack = given.slack
    if slack is None and typer.confirm("Notify people by Slack?", default=False):
        slack = typer.prompt("Its channel", default=CHANNEL)
    return replace(
        given,
        agents=agents,
        store=store,
        bucket=bucket,
        driver=driver,
        reach=tuple(f"{server}={url}" for server, url in reach.items()),
        archive=given.archive or _ask_optional("URL of the archive (Enter for none)", _archive_url),
        brain_url=given.brain_url
        or _ask_optional("Git URL that you push the brain to (Enter to use it here)", _without_password),
        slack=slack,
    )


def _ask_optional(question: str, check: Callable[[str | None], str | None]) -> str | None:
    return typer.prompt(question, default="", show_default=False, value_proc=check) or None


def _names(text: str) -> tuple[str, ...]:
    """Several agents in one line; each is checked, so that a wrong one is asked for again."""
    names = tuple(text.split())
    if not names:
        raise typer.BadParameter("name at least one agent")
    for name in names:
        _member(name)
    return names


def _from_brain(folder: Path, given: InitOptions) -> InitOptions:
    """What a brain configures is not asked for again."""
    loaded = load(FolderTree(folder / BRAIN), environ={})
    storage = loaded.settings.storage
    drivers = {agent.restart.driver for agent in loaded.agents.values()} & TARGETS.keys()
    return replace(
        given,
        store=storage.storj.endpoint,
        bucket=storage.storj.bucket,
        archive=given.archive or storage.archive.url,
        driver=given.driver or min(drivers, default=DRIVER),
    )


def _answers(given: InitOptions) -> FleetAnswers:
    """Check the options."""
    return FleetAnswers(
        agents=tuple(map(_member, given.agents)),
        endpoint=_http_url(given.store or STORE_URL),
        bucket=given.bucket or BUCKET,
        region=given.region,
        archive=_archive_url(given.archive),
        brain_url=_without_password(given.brain_url),
        driver=_driver(given.driver or DRIVER),
        urls=dict(map(_reach, given.reach)),
        slack=given.slack,
    )


def _member(text: str) -> FleetMember:
    name, _, server = text.partition("@")
    try:
        member = FleetMember(agent_name(name), server_name(server or socket.gethostname()))
    except BadObject as bad:
        raise typer.BadParameter(f"--agent {text}: {bad.detail}") from bad
    if member.name == RESERVED:
        raise typer.BadParameter(f"--agent {text}: no agent may have the name of the file of common settings")
    return member


def _reach(text: str) -> tuple[str, str]:
    server, separator, url = text.partition("=")
    try:
        if not (separator and url):
            raise typer.BadParameter(f"--reach {text}: must be SERVER=URL, such as web-1=unix:///run/supervisor.sock")
        return server_name(server), url
    except BadObject as bad:
        raise typer.BadParameter(f"--reach {text}: {bad.detail}") from bad


def _driver(name: str) -> str:
    if name not in TARGETS:
        raise typer.BadParameter(f"--driver {name}: there are {', '.join(TARGETS)}")
    return name


def _http_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter(f"--store {url}: must be a URL such as {STORE_URL}")
    return url


def _archive_url(url: str | None) -> str | None:
    if url and not url.startswith(("file:///", "gdrive://")):
        raise typer.BadParameter(f"--archive {url}: must be file:///path or gdrive://FOLDER_ID")
    return url


def _without_password(url: str | None) -> str | None:
    if url and has_credentials(url):
        raise typer.BadParameter(
            "--brain: the URL holds a password or a token, which would lie in files; put it in secrets/"
        )
    return url
