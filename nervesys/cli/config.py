"""`nervesys config`: is the configuration right, and where does each value come from?"""

from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from nervesys.cli.options import BrainUrl, Home, opened

app = typer.Typer(no_args_is_help=True, help="Check the configuration, and see where each value comes from.")


@app.callback()
def _group() -> None:
    """Check the configuration, and see where each value comes from."""


@app.command()
def check(
    home: Home = None,
    brain: BrainUrl = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print mistakes and warnings only.")] = False,
) -> None:
    """Load everything, report every mistake with file and line, and show each value with its origin."""
    out = Console()
    loaded = opened("config", home=home, brain=brain).loaded
    for warning in loaded.warnings:
        out.print(f"[yellow]warning[/] {warning}", soft_wrap=True)
    if not quiet:
        table = Table("setting", "value", "from", box=None, header_style="bold")
        values = {
            **_flat(loaded.settings),
            **{f"agents.{n}.{k}": v for n, a in loaded.agents.items() for k, v in _flat(a).items()},
        }
        for key in sorted(loaded.origins):
            table.add_row(key, str(values.get(key, "")), loaded.origins[key])
        out.print(table)
    out.print(f"[green]The configuration is right[/]: {len(loaded.agents)} agents, {len(loaded.warnings)} warnings.")


def _flat(model: BaseModel, prefix: str = "") -> dict[str, Any]:
    """Every value by dotted key; secrets stay covered."""
    rows: dict[str, Any] = {}
    for key, value in model:
        if isinstance(value, BaseModel):
            rows |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, dict):
            rows |= {f"{prefix}{key}.{name}": said for name, said in value.items()}
        else:
            rows[f"{prefix}{key}"] = value
    return rows
