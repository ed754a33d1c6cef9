"""`nervesys artifacts`: run the artifact service, and query it as an operator."""

from contextlib import closing
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commands.not_ready_app import stand_in
from commands.options import BrainUrl, Home, ListenAt, opened
from commands.waiting import awaited
from nervesys.artifacts.api_client import RequestRefused, ServiceClient
from nervesys.artifacts.gc import DAY, GcPlan
from nervesys.artifacts.manifest import Manifest
from nervesys.artifacts.open_artifacts import open_service
from nervesys.artifacts.outbox import FILE, Outbox, count_refused
from nervesys.artifacts.program import service
from nervesys.artifacts.tokens import ADMIN
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.metrics.pages import serve as serve_pages
from nervesys.settings.monitoring import Monitoring
from nervesys.stores.open_stores import Configuration

app = typer.Typer(no_args_is_help=True)
As = Annotated[
    str, typer.Option("--as", metavar="AGENT", help="Use this agent's token (default: the administrator's).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PAGE = 1000


@app.command()
def serve(home: Home = None, brain: BrainUrl = None, listen: ListenAt = None) -> None:
    """Run the artifact service until SIGTERM. Agents register the artifacts that they make, and find those of others.

    The service stores manifests (metadata) only; contents go directly to the place that `artifacts.files` names. Each
    agent authenticates with its own token, a file in the folder that `artifacts.tokens` names.
    """

    def address(table: Monitoring) -> str:
        return listen or table.listen.artifacts

    start = awaited(lambda: opened("artifacts", home=home, brain=brain), partial(stand_in, address))
    monitoring = start.loaded.settings.monitoring
    start.place.home.mkdir(parents=True, exist_ok=True)
    serve_pages(service(start.place, start.loaded.settings), address(monitoring), monitoring.web)


@app.command(name="list")
def list_(
    trace: Annotated[str | None, typer.Option(help="Only artifacts of this trace.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only artifacts of this type.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=PAGE, help="How many at most; the oldest come first.")] = 100,
    after: Annotated[str, typer.Option(metavar="ID", help="Continue after this artifact.")] = "",
    as_: As = ADMIN,
    as_json: AsJson = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """List artifacts, oldest first; for example `nervesys artifacts list --type report`."""
    asked = {"trace": trace, "type": type_, "limit": limit, "after": after}
    found = _ask(_service(home, brain, as_), "GET", "artifacts", asked)["artifacts"]
    if as_json:
        _print_json(found)
        return
    table = Table("id", "type", "status", "size", "created by", "trace", "visibility", box=None, header_style="bold")
    table.columns[0].no_wrap, table.columns[0].min_width = True, len(found[0]["id"]) if found else 0
    for said in map(Manifest.model_validate, found):
        size, trace_ = f"{said.size_bytes:,}", said.trace_id or ""
        table.add_row(
            said.id, said.artifact_type, said.status, size, said.created_by, escape(trace_), said.visibility.value
        )
    Console().print(table if found else "there are none")
    if len(found) == limit:
        Console().print(f"there may be more: --after {found[-1]['id']}")


@app.command()
def get(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The artifact's id.")],
    as_: As = ADMIN,
    as_json: AsJson = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Show an artifact's manifest, and a link to its content."""
    asked = _service(home, brain, as_)
    found = _ask(asked, "GET", f"artifacts/{id_}")
    if found["status"] == "completed":
        found |= {"link": _ask(asked, "GET", f"artifacts/{id_}/uri")}
    if as_json:
        _print_json(found)
        return
    rows, out = _flat(found), Console(soft_wrap=True, highlight=False)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        out.print(f"{name:<{width}}  {escape(value)}")


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be deleted.")] = False,
    as_json: AsJson = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Garbage collection: delete artifacts past their retention, abandoned uploads, and files without a manifest.

    The service deletes, at most `artifacts.delete_at_most` items in one run; each is printed. Requests of this
    machine's agents that the service rejected are removed once they are older than `artifacts.orphan_days`. Look first:
    `nervesys artifacts gc --dry-run`.
    """
    start = opened("artifacts-cli", home=home, brain=brain)
    said = start.loaded.settings.storage.artifacts
    asked = open_service(ADMIN, start.place.home, start.loaded.settings)
    plan = GcPlan.model_validate(_ask(asked, "POST", "gc", {"dry_run": dry_run}))
    before = system_clock() - said.orphan_days * DAY
    refused = {file: count_refused(file, before) for file in sorted((start.place.home / said.agents).glob(f"*/{FILE}"))}
    if as_json:
        _print_json(plan.model_dump(mode="json"))
    else:
        _tell(plan, {file.parent.name: count for file, count in refused.items() if count}, dry_run=dry_run)
    if not dry_run:
        for file in (file for file, count in refused.items() if count):
            with closing(Outbox(file)) as waiting:
                waiting.delete_refused(before)


def _tell(plan: GcPlan, refused: dict[str, int], *, dry_run: bool) -> None:
    out = Console(soft_wrap=True, highlight=False)
    for one in plan.going:
        out.print(f"{one.why}: {escape(one.uri)}, {one.size} bytes")
    for agent, count in refused.items():
        out.print(f"refused long ago: {count} requests of {agent}")
    if not plan.going and not refused:
        out.print("nothing may go")
    if plan.left:
        out.print(f"left for the next run: {plan.left}; one run deletes at most `artifacts.delete_at_most`")
    if dry_run:
        out.print("a dry run: nothing was deleted")


def _flat(said: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Each value that is there, under its dotted name."""
    rows = []
    for name, value in said.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{above}{name}.")
        elif value not in (None, [], ""):
            rows.append((above + name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows


def _service(home: str | None, brain: str | None, name: str) -> ServiceClient:
    start: Configuration = opened("artifacts-cli", home=home, brain=brain)
    return open_service(name, start.place.home, start.loaded.settings)


def _ask(asked: ServiceClient, method: str, path: str, query: dict[str, Any] | None = None) -> Any:
    try:
        return asked.send(method, path, query=query)
    except RequestRefused as err:
        raise NervesysError(f"ask for {path}: {err}") from err


def _print_json(said: Any) -> None:
    Console(soft_wrap=True).print_json(data=said)
