"""`nervesys sync`: pull the configuration and push what the store knows of the agents to the brain, by hand."""

import json
import socket
from collections.abc import Iterator
from typing import Annotated

import typer

from commands.options import BrainUrl, Home, open_settings
from nervesys.contract import AgentState, PathTemplate
from nervesys.contract.brain import DASHBOARDS, LAST_STATUS, REPORT_BYTES
from nervesys.errors import BadObject, NervesysError, Reason
from nervesys.plural import count
from nervesys.settings import Loaded, Tree
from nervesys.stores.brain import Change, GitBrain
from nervesys.stores.objects import ObjectReader
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import Configuration, open_store
from nervesys.stores.trees import EmptyTree

app = typer.Typer()


@app.command(name="sync")
def run(
    push: Annotated[
        bool, typer.Option("--push/--no-push", help="Push the agents' last status to the brain's state branch.")
    ] = True,
    dashboards: Annotated[
        bool, typer.Option("--dashboards", help="Push the dashboards' JSON too, to dashboards/ of that branch.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be pushed.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Pull the configuration, check it, and push the agents' last status to the brain.

    Agents and programs do both by themselves; this is for the moment at which you do not want to wait, or for an agent
    that was killed before it reported. The configuration is read from the branch `main` and never written; all that is
    pushed goes to the branch `state`, in one commit. For example `nervesys sync --dry-run`, `nervesys sync --no-push`.
    """
    base = open_settings("sync", home=home, brain=brain)
    repository = open_brain(base.place, "sync", base.loaded.settings.storage.brain)
    typer.echo(f"Pulled {_describe(base)}: {count(len(base.loaded.agents), 'agent')}, no errors")
    if not (push or dashboards):
        return
    if repository is None:
        raise NervesysError("push to the brain: it is a plain folder; name a Git repository with --brain")
    repository.fetch_state()
    before = repository.tree(repository.state_branch) or EmptyTree()
    changes: dict[str, bytes] = {}
    if push:
        changes |= dict(_statuses(base.loaded, before))
    if dashboards:
        changes |= dict(_dashboards(base.loaded, before))
    _push(repository, changes, dry_run=dry_run)


def _describe(base: Configuration) -> str:
    commit = getattr(base.tree, "commit", None)
    where = base.place.brain or "the shipped example"
    return f"commit {str(commit)[:12]} of {where}" if commit else str(where)


def _push(repository: GitBrain, changes: dict[str, bytes], *, dry_run: bool) -> None:
    for path in sorted(changes):
        typer.echo(f"{'To push' if dry_run else 'Push'}: {path}")
    if not changes:
        typer.echo("Nothing to push: the brain has the newest status.")
    elif dry_run:
        typer.echo("Dry run: nothing was changed.")
    else:
        made: dict[str, Change] = dict(changes)
        tip = repository.commit(made, f"Sync {count(len(changes), 'file')}", f"sync@{socket.gethostname()}")
        typer.echo(f"Pushed commit {tip[:12]} to {repository.state_branch}.")


def _statuses(loaded: Loaded, before: Tree) -> Iterator[tuple[str, bytes]]:
    """The status of each agent that is newer in the store than in the brain."""
    storj = loaded.settings.storage.storj
    store, template = open_store(storj), PathTemplate(storj.paths.agents)
    for name in sorted(loaded.agents):
        try:
            state = _read_state(store, template.build(agent=name, server=loaded.agents[name].server or ""))
        except BadObject as bad:
            typer.echo(f"{name}: {bad}", err=True)
            continue
        path = LAST_STATUS.build(agent=name)
        if state is not None and _is_newer(state, before.read(path)):
            yield path, state.model_copy(update={"metrics": None, "buffer": None}).body() + b"\n"


def _read_state(store: ObjectReader, key: str) -> AgentState | None:
    try:
        return AgentState.parse(store.get(key, max_bytes=REPORT_BYTES))
    except BadObject as bad:
        if bad.reason is Reason.GONE:
            return None
        raise


def _is_newer(state: AgentState, before: bytes | None) -> bool:
    try:
        return before is None or AgentState.parse(before).timestamp < state.timestamp
    except BadObject:
        return True


def _dashboards(loaded: Loaded, before: Tree) -> Iterator[tuple[str, bytes]]:
    """Each dashboard that the brain does not have in this form."""
    from dashboards.build import pages  # it needs the extra `reports`, which agents do not have

    for page in pages(loaded):
        path = f"{DASHBOARDS}/{page['uid']}.json"
        body = json.dumps(page, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
        if before.read(path) != body:
            yield path, body
