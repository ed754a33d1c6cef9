"""`nervesys artifacts`: run the artifact service, and query it as an operator."""

from contextlib import closing
from functools import partial
from typing import Annotated, Any

import typer

from commands.audit_trail import audited
from commands.console import escape, make_table, open_console
from commands.not_ready_app import serve_not_ready
from commands.options import BrainUrl, Home, ListenAt, open_settings
from commands.waiting import wait_for_brain
from nervesys.artifacts.api_client import ServiceClient, ServiceRefusal
from nervesys.artifacts.gc import DAY, GcPlan
from nervesys.artifacts.manifest import Manifest
from nervesys.artifacts.open_artifacts import open_service
from nervesys.artifacts.outbox import FILE, Outbox, count_refused
from nervesys.artifacts.program import service
from nervesys.artifacts.tokens import ADMIN
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.metrics.pages import serve as serve_pages
from nervesys.plural import count
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

    start = wait_for_brain(
        lambda: open_settings("artifacts", home=home, brain=brain, or_earlier=True), partial(serve_not_ready, address)
    )
    monitoring = start.loaded.settings.monitoring
    start.place.home.mkdir(parents=True, exist_ok=True)
    with audited("artifacts", start.place, start.loaded.settings):
        serve_pages(service(start.place, start.loaded.settings), address(monitoring), monitoring.web, monitoring.hosts)


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
    query = {"trace": trace, "type": type_, "limit": limit, "after": after}
    found = _send(_service(home, brain, as_), "GET", "artifacts", query)["artifacts"]
    if as_json:
        _print_json(found)
        return
    table = make_table("id", "type", "status", "size", "created by", "trace", "visibility")
    table.columns[0].no_wrap, table.columns[0].min_width = True, len(found[0]["id"]) if found else 0
    for item in map(Manifest.model_validate, found):
        size, trace_ = f"{item.size_bytes:,}", item.trace_id or ""
        table.add_row(
            item.id, item.artifact_type, item.status, size, item.created_by, escape(trace_), item.visibility.value
        )
    open_console().print(table if found else "No artifacts.")
    if len(found) == limit:
        open_console().print(f"There may be more; continue with --after {found[-1]['id']}")


@app.command()
def get(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The artifact's id.")],
    as_: As = ADMIN,
    as_json: AsJson = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Show an artifact's manifest, and a link to its content."""
    service = _service(home, brain, as_)
    found = _send(service, "GET", f"artifacts/{id_}")
    if found["status"] == "completed":
        found |= {"link": _send(service, "GET", f"artifacts/{id_}/uri")}
    if as_json:
        _print_json(found)
        return
    rows, out = _flatten(found), open_console(soft_wrap=True, highlight=False)
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
    start = open_settings("artifacts-cli", home=home, brain=brain)
    settings = start.loaded.settings.storage.artifacts
    service = open_service(ADMIN, start.place.home, start.loaded.settings)
    plan = GcPlan.model_validate(_send(service, "POST", "gc", {"dry_run": dry_run}))
    before = system_clock() - settings.orphan_days * DAY
    refused = {
        file: count_refused(file, before) for file in sorted((start.place.home / settings.agents).glob(f"*/{FILE}"))
    }
    if as_json:
        _print_json(plan.model_dump(mode="json"))
    else:
        _print_plan(plan, {file.parent.name: count for file, count in refused.items() if count}, dry_run=dry_run)
    if not dry_run:
        for file in (file for file, count in refused.items() if count):
            with closing(Outbox(file)) as outbox:
                outbox.delete_refused(before)


def _print_plan(plan: GcPlan, refused: dict[str, int], *, dry_run: bool) -> None:
    out = open_console(soft_wrap=True, highlight=False)
    for item in plan.going:
        out.print(f"{item.why}: {escape(item.uri)}, {count(item.size, 'byte')}")
    for agent, number in refused.items():
        out.print(f"rejected requests of {agent}: {number}")
    if not plan.going and not refused:
        out.print("Nothing to delete.")
    if plan.left:
        out.print(f"Left for the next run: {plan.left}; one run deletes at most `artifacts.delete_at_most`.")
    if dry_run:
        out.print("Dry run: nothing was deleted.")


def _flatten(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Every value that is set, by its dotted name."""
    rows = []
    for name, value in values.items():
        if isinstance(value, dict):
            rows += _flatten(value, f"{prefix}{name}.")
        elif value not in (None, [], ""):
            rows.append((prefix + name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows


def _service(home: str | None, brain: str | None, name: str) -> ServiceClient:
    start: Configuration = open_settings("artifacts-cli", home=home, brain=brain)
    return open_service(name, start.place.home, start.loaded.settings)


def _send(service: ServiceClient, method: str, path: str, query: dict[str, Any] | None = None) -> Any:
    try:
        return service.send(method, path, query=query)
    except ServiceRefusal as err:
        raise NervesysError(f"request {path}: {err}") from err


def _print_json(data: Any) -> None:
    open_console(soft_wrap=True).print_json(data=data)
