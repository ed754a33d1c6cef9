"""`nervesys config`: check the configuration, and show where each value comes from."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape

from commands.check_result import AsJson, checked, revision
from commands.diagnosis.encryption import check_encryption
from commands.diagnosis.finding import DoctorFinding, FindingLevel
from commands.options import ArchiveUrl, BrainUrl, Home, open_settings
from nervesys.errors import SettingsError
from nervesys.plural import count
from nervesys.settings import Loaded
from nervesys.settings.loader import SHIPPED
from nervesys.settings.restart_targets import find_driver_mistakes
from nervesys.settings.secrets import read_secrets
from nervesys.stores.open_stores import Configuration

AGENTS = "agents."
"""Prefix of the keys of agents, before the agent's name."""
VALUE_WIDTH = 30
"""Width to which short values are padded."""

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Makes Typer treat the one command as a subcommand."""


@app.command()
def check(
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors and warnings only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load the whole configuration, report every error with file and line, and show each value with its origin.

    Values are merged from the shipped defaults, the brain, the profile, the environment and flags; later ones win.
    Values that differ from the defaults are printed in bold; secrets are masked. Exits with 2 on any error. For
    alerts.yaml, use `nervesys alerts check`. To check a brain before you push it: `nervesys config check --brain .`;
    the files of a checkout are read as they lie on the disk.
    """
    with checked(as_json) as result:
        start = open_settings("config", home=home, brain=brain, archive=archive, also=[read_secrets], checkout=True)
        result.revision, result.warnings = revision(start.tree), start.loaded.warnings
        if mistakes := list(find_driver_mistakes(start.loaded.agents, start.loaded.origins, _list_drivers())):
            raise SettingsError(mistakes)
        encryption = list(check_encryption(start.loaded.settings.storage.encryption, "agent"))
        result.details = {
            "agents": sorted(start.loaded.agents),
            "encryption": [finding.as_dict() for finding in encryption],
        }
        if as_json:
            result.details["settings"] = {
                title: {row.key: {"value": row.value, "origin": row.origin} for row in rows}
                for title, rows in _groups(start.loaded).items()
            }
    if not as_json:
        _print(Console(), start, encryption, quiet=quiet)


def _list_drivers() -> Collection[str] | None:
    """The names of all drivers; None where the receiver's packages are not installed, as on a machine of agents."""
    try:
        from alerting.drivers import Drivers
    except ModuleNotFoundError:
        return None
    return Drivers.model_fields


def _print(out: Console, start: Configuration, encryption: Iterable[DoctorFinding], *, quiet: bool) -> None:
    loaded, place = start.loaded, start.place
    if not quiet:
        for what, value in {
            "brain": ", ".join(filter(None, (place.brain or "the shipped example", revision(start.tree)))),
            "profile": place.profile or "none",
            "home": str(place.home),
        }.items():
            out.print(f"[bold cyan]{what:8}[/]{escape(value)}", soft_wrap=True, highlight=False)
        out.print()
        for title, rows in _groups(loaded).items():
            out.print(f"[bold cyan]{title}[/]")
            _print_rows(out, rows)
            out.print()
    for warning in loaded.warnings:
        out.print(f"[yellow]warning[/] {escape(str(warning))}", soft_wrap=True, highlight=False)
    for finding in encryption:
        if finding.level is not FindingLevel.OK or not quiet:
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            style = "cyan" if finding.level is FindingLevel.OK else "yellow"
            text = escape(f"{finding.what}{remedy}")
            out.print(f"[{style}]{finding.subject}[/] {text}", soft_wrap=True, highlight=False)
    agents, warnings = count(len(loaded.agents), "agent"), count(len(loaded.warnings), "warning")
    out.print(f"[green]The configuration is valid[/]: {agents}, {warnings}.")


class SettingRow(NamedTuple):
    """One setting as it is printed."""

    key: str
    value: str
    origin: str


def _groups(loaded: Loaded) -> dict[str, list[SettingRow]]:
    """The settings by file; then those that all agents share, and those of each agent."""
    origins: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, origin in loaded.origins.items():
        top = ".".join(key.split(".")[: 2 if key.startswith(AGENTS) else 1])
        origins[top].append((key.removeprefix(f"{top}."), origin))
    groups = {name: _rows(origins[name], section) for name, section in loaded.settings}
    agents = {name: _rows(origins[f"{AGENTS}{name}"], agent) for name, agent in sorted(loaded.agents.items())}
    common = set.intersection(*map(set, agents.values())) if len(agents) > 1 else set()
    groups["all agents"] = sorted(common)
    groups |= {f"agent {name}": [row for row in rows if row not in common] for name, rows in agents.items()}
    return {title: rows for title, rows in groups.items() if rows}


def _rows(origins: Iterable[tuple[str, str]], model: BaseModel) -> list[SettingRow]:
    values = _flatten(model, "")
    return sorted(SettingRow(key, _format(values[key]), origin) for key, origin in origins)


def _print_rows(out: Console, rows: list[SettingRow]) -> None:
    """Key, value and origin; aligned where values are short, and never truncated."""
    keys, values = (max(len(row[column]) for row in rows) for column in (0, 1))
    for row in rows:
        value = f"{row.value:{min(values, VALUE_WIDTH)}}"
        if not out.is_terminal:  # the markup of 200 000 lines takes 8 s
            out.file.write(f"  {row.key:{keys}}  {value}  # {row.origin}\n")
            continue
        weight = "" if row.origin.startswith(SHIPPED) else "bold "
        line = f"  {row.key:{keys}}  [{weight}default]{escape(value)}[/]  [dim]# {escape(row.origin)}[/]"
        out.print(line, soft_wrap=True, highlight=False)


def _format(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_format, value))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def _flatten(values: BaseModel | Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Every value by dotted key; secrets stay masked."""
    rows: dict[str, Any] = {}
    for key, value in values.items() if isinstance(values, Mapping) else values:
        rows[f"{prefix}{key}"] = value
        if isinstance(value, BaseModel | Mapping):
            rows |= _flatten(value, f"{prefix}{key}.")
    return rows
