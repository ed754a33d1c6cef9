"""What `nervesys init` needs to know: from options, on a terminal from questions, and from a brain that exists."""

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import click
import typer

from nervesys.contract import agent_name, server_name
from nervesys.errors import BadObject
from nervesys.settings import FolderTree, load
from nervesys.stack.new_home import BRAIN, DEFAULT_URLS, TARGETS, FleetAnswers, FleetMember

STORE_URL, BUCKET, DRIVER = "https://gateway.storjshare.io", "nervesys", "supervisor"
RESERVED = "default"
"""`config/agents/default.yaml` holds what all agents share."""
NEEDED = "a new fleet needs --agent NAME@SERVER, --store URL and --bucket NAME; on a terminal you are asked for them"


def ask(
    folder: Path,
    agents: Iterable[str],
    store: str | None,
    bucket: str | None,
    region: str | None,
    archive: str | None,
    brain_url: str | None,
    driver: str | None,
    reach: Iterable[str],
    slack: str | None,
) -> FleetAnswers:
    """The answers, from options first.

    Args:
        folder: of the fleet; where it has a brain, nothing is asked for.
        agents: `NAME@SERVER`, or `NAME` for this machine.
        store: URL of the S3 API.
        bucket: of the store.
        region: of the store.
        archive: URL.
        brain_url: Git URL.
        driver: name.
        reach: `SERVER=URL`.
        slack: channel.

    Raises:
        typer.BadParameter: an answer is wrong, or missing where nobody can be asked.
    """
    members, urls = tuple(map(_member, agents)), dict(map(_reach, reach))
    if (folder / BRAIN / "config").is_dir():
        return _again(folder, members, archive, brain_url, driver, urls, slack)
    asks = os.isatty(0) and os.isatty(1)
    if not asks and not (members and store and bucket):
        raise typer.BadParameter(NEEDED)
    if asks:
        members = members or tuple(map(_member, typer.prompt("Agents, as NAME@SERVER NAME@SERVER …").split()))
        store = store or typer.prompt("URL of the store's S3 API", default=STORE_URL)
        bucket = bucket or typer.prompt("Its bucket", default=BUCKET)
        kinds = click.Choice(list(TARGETS))
        driver = driver or typer.prompt("What restarts the agents", default=DRIVER, type=kinds)
        for server in dict.fromkeys(member.server for member in members):
            if driver in DEFAULT_URLS and server not in urls:
                urls[server] = typer.prompt(f"URL of {driver} on {server}", default=DEFAULT_URLS[driver])
        archive = archive or typer.prompt("URL of the archive (Enter for none)", default="", show_default=False) or None
        where = "Git URL that you push the brain to (Enter to use it here)"
        brain_url = brain_url or typer.prompt(where, default="", show_default=False) or None
        if slack is None and typer.confirm("Notify people by Slack?", default=False):
            slack = typer.prompt("Its channel", default="#nervesys")
    assert store and bucket, "asked for above"
    return FleetAnswers(
        agents=members,
        endpoint=_http_url(store),
        bucket=bucket,
        region=region,
        archive=archive,
        brain_url=_without_password(brain_url),
        driver=_driver(driver or DRIVER),
        urls=urls,
        slack=slack,
    )


def _again(
    folder: Path,
    members: tuple[FleetMember, ...],
    archive: str | None,
    brain_url: str | None,
    driver: str | None,
    urls: dict[str, str],
    slack: str | None,
) -> FleetAnswers:
    """The answers for a brain that exists: what it configures is not asked for again."""
    loaded = load(FolderTree(folder / BRAIN), environ={})
    store = loaded.settings.storage.storj
    drivers = {agent.restart.driver for agent in loaded.agents.values()}
    return FleetAnswers(
        agents=members,
        endpoint=str(store.endpoint),
        bucket=store.bucket,
        archive=archive or loaded.settings.storage.archive.url,
        brain_url=_without_password(brain_url),
        driver=_driver(driver or next(iter(drivers & TARGETS.keys()), DRIVER)),
        urls=urls,
        slack=slack,
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


def _without_password(url: str | None) -> str | None:
    if url and urlsplit(url).password:
        raise typer.BadParameter("--brain: the URL holds a password, which would lie in files; put it in secrets/")
    return url
