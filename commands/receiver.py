"""`nervesys receiver`: the webhook receiver, which turns alerts into actions."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from alerting.journal import Journal
from alerting.model import read_alerts
from alerting.receiver.fleet import FleetConfig, FleetSource, read_fleet
from alerting.receiver.local import FILE, check_peers, open_local
from alerting.receiver.program import Receiver
from commands.audit_trail import audited
from commands.not_ready_app import serve_not_ready
from commands.options import BrainUrl, Home, ListenAt, open_settings
from commands.waiting import wait_for_brain
from nervesys.analysis import make_analyst
from nervesys.clock import system_clock
from nervesys.errors import SettingsError, SettingsProblem, collect_problems
from nervesys.metrics.pages import serve
from nervesys.redact import Redactor
from nervesys.settings import StartupSettings
from nervesys.settings.monitoring import Monitoring
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import open_store

app = typer.Typer()


@app.command()
def receiver(
    home: Home = None,
    brain: BrainUrl = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            envvar="NERVESYS_RECEIVER_FILE",
            help=f"The receiver's local file: drivers, token, limits (NERVESYS_RECEIVER_FILE; default: HOME/{FILE}).",
        ),
    ] = None,
    listen: ListenAt = None,
) -> None:
    """Run the webhook receiver until SIGTERM.

    It accepts the webhooks of Alertmanager and Grafana, writes each alert to its journal, runs the actions that
    config/alerts.yaml names, and checks that they helped. The journal is shown at / and, as JSON, at /actions.
    """

    def read(*, or_earlier: bool = False) -> FleetConfig:
        return read_fleet(open_settings("receiver", home=home, brain=brain, also=[read_alerts], or_earlier=or_earlier))

    def address(table: Monitoring) -> str:
        return listen or table.listen.receiver

    place = StartupSettings.of(os.environ, home, brain)
    problems: list[SettingsProblem] = []
    with collect_problems(problems):
        local = open_local(place, config)
    with collect_problems(problems):
        fleet = wait_for_brain(
            lambda: FleetSource(read, partial(read, or_earlier=True)), partial(serve_not_ready, address)
        )
    if problems:
        raise SettingsError(problems)
    assert local.journal is not None, "set by open_local"
    settings = fleet.now.settings
    storage, monitoring = settings.storage, settings.monitoring
    check_peers(local.journal, monitoring.receiver_peers)
    place.home.mkdir(parents=True, exist_ok=True)
    program = Receiver(
        fleet,
        local,
        Journal.open(local.journal.get_secret_value()),
        open_store(storage.storj),
        open_brain(place, "receiver", storage.brain),
        analyst=make_analyst(settings.alibaba.alibaba_cloud, place.cache("analysis"), Redactor().text, system_clock),
    )
    with audited("receiver", place, settings):
        serve(program.application(), address(monitoring), monitoring.web, monitoring.hosts)
