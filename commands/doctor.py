"""`nervesys doctor`: check everything that a fleet needs, and say how to mend what is wrong."""

import json
import socket
from collections import Counter
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from alerting.model import read_alerts
from commands.diagnosis import brain as brain_check
from commands.diagnosis.checks import DoctorContext, all_checks
from commands.diagnosis.finding import DoctorFinding, FindingLevel, fail, run_checks
from commands.local import environment
from commands.options import ArchiveUrl, BrainUrl, Home, ReceiverFile
from nervesys.clock import system_clock
from nervesys.errors import BrainUnavailable, SettingsError
from nervesys.plural import count
from nervesys.redact import Redactor
from nervesys.stores.open_stores import load_configuration

app = typer.Typer()
COLOURS = {FindingLevel.OK: "green", FindingLevel.WARN: "yellow", FindingLevel.FAIL: "bold red"}


class DoctorRole(StrEnum):
    """Whose rights are tried."""

    MONITORING = "monitoring"
    AGENT = "agent"
    ROUND = "round"


@app.command()
def doctor(
    role: Annotated[
        DoctorRole, typer.Option(help="Whose rights to try: what this role writes to is written to, and deleted.")
    ] = DoctorRole.MONITORING,
    agent: Annotated[str | None, typer.Option(metavar="NAME", help="With --role agent: the agent's name.")] = None,
    ask_model: Annotated[
        bool, typer.Option("--ask-model", help="Send one question of five tokens to the language model.")
    ] = False,
    receiver_file: ReceiverFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Check store, brain, archive, secrets, Prometheus, Alertmanager, receiver, agents and drivers, model and machine.

    Prints one line for each finding, OK, WARN or FAIL, with the remedy. Nothing is restarted, no branch of the brain
    changes, and no secret is printed. Exits with 1 if anything fails. In the containers of docker-compose.yml:
    `docker compose exec receiver nervesys doctor`.
    """
    if (role is DoctorRole.AGENT) != bool(agent):
        raise typer.BadParameter("--role agent and --agent NAME go together")
    environ = environment(home)
    fields = {"agent": agent or "", "server": environ.get("NERVESYS_SERVER") or socket.gethostname()}
    try:
        configuration = load_configuration(
            "doctor", environ, home=home, brain=brain, archive=archive, also=[read_alerts]
        )
    except SettingsError as err:
        remedy = "correct it; nothing else is checked until then"
        findings = [fail("configuration", str(mistake), remedy) for mistake in err.mistakes]
    except BrainUnavailable as err:
        findings = [brain_check.judge_error(str(err))]
    else:
        context = DoctorContext(
            configuration, environ, system_clock, role, fields if agent else None, receiver_file, ask_model
        )
        findings = run_checks(all_checks(context))
    _print(findings, as_json=as_json)
    if any(finding.level is FindingLevel.FAIL for finding in findings):
        raise typer.Exit(1)


def _print(findings: list[DoctorFinding], *, as_json: bool) -> None:
    """Print the findings; a secret in an error message of another program is masked."""
    mask = Redactor().text
    rows = [{key: mask(value) for key, value in finding.as_dict().items()} for finding in findings]
    if as_json:
        typer.echo(json.dumps({"findings": rows}, indent=2))
        return
    out = Console(highlight=False, soft_wrap=True)
    width = max((len(row["subject"]) for row in rows), default=0)
    for row in rows:
        colour = COLOURS[FindingLevel(row["level"])]
        remedy = f" -> {row['remedy']}" if row["remedy"] else ""
        text = " ".join(f"{row['what']}{remedy}".split())
        out.print(f"[{colour}]{row['level']:4}[/]  {escape(row['subject']):{width}}  {escape(text)}")
    levels = Counter(finding.level for finding in findings)
    failures, warnings = count(levels[FindingLevel.FAIL], "failure"), count(levels[FindingLevel.WARN], "warning")
    out.print(f"{count(len(rows), 'finding')}: {failures}, {warnings}.")
