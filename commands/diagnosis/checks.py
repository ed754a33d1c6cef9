"""All checks of a configuration."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from alerting.generate.routes import ACTIONS, DEADMAN
from alerting.model import AlertsFile, read_alerts
from alerting.receiver.local import LocalFile, open_local
from alerting.scrape_targets import addresses, jobs
from commands.diagnosis import (
    agents,
    alertmanager,
    archive,
    brain,
    encryption,
    machine,
    model,
    prometheus,
    receiver,
    secrets,
    store,
)
from commands.diagnosis.finding import DoctorCheck, DoctorFinding, fail, warn
from nervesys.clients.alertmanager import Alertmanager
from nervesys.clients.prometheus import Prometheus
from nervesys.clock import Clock
from nervesys.errors import SettingsError, StoreUnavailable
from nervesys.settings import VARIABLES
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import Configuration, open_store

MULTILINE = {"GDRIVE_SERVICE_ACCOUNT_JSON", "NERVESYS_AGE_IDENTITY", "NERVESYS_WEB_TLS_KEY"}
"""Variables whose value has several lines."""
HTTP_SECONDS = 5.0


@dataclass(frozen=True)
class DoctorContext:
    """What the checks are made for.

    Attributes:
        configuration: brain and settings.
        environ: environment variables.
        clock: this machine's.
        role: whose rights are tried: `monitoring`, `agent` or `round`.
        fields: `agent` and `server` of the role `agent`.
        receiver_file: the receiver's local file; None for that of the home.
        ask_model: whether the language model may be asked.
    """

    configuration: Configuration
    environ: Mapping[str, str]
    clock: Clock
    role: str = "monitoring"
    fields: Mapping[str, str] | None = None
    receiver_file: Path | None = None
    ask_model: bool = False


def all_checks(context: DoctorContext) -> list[DoctorCheck]:
    """All checks that the context's role can make."""
    shared = [
        DoctorCheck("machine", partial(_machine, context), "check NERVESYS_HOME"),
        DoctorCheck(secrets.SUBJECT, partial(_secrets, context), "check NERVESYS_HOME and the variables *_FILE"),
        DoctorCheck(encryption.SUBJECT, partial(_encryption, context), encryption.GIVE_IDENTITY),
        DoctorCheck(store.SUBJECT, partial(_store, context), store.REMEDY, 40),
        DoctorCheck(brain.SUBJECT, partial(_brain, context), brain.REMEDY, 60),
    ]
    if context.role == "agent":
        return shared
    return [
        *shared,
        DoctorCheck(archive.SUBJECT, partial(_archive, context), archive.REMEDY, 40),
        DoctorCheck("backup", partial(_backup, context), "run `nervesys backup`", 40),
        DoctorCheck(prometheus.SUBJECT, partial(_prometheus, context), prometheus.REMEDY),
        DoctorCheck(alertmanager.SUBJECT, partial(_alertmanager, context), alertmanager.REMEDY),
        DoctorCheck(receiver.SUBJECT, partial(_receiver, context), receiver.REMEDY),
        DoctorCheck("agents", partial(_agents, context), store.REMEDY, 40),
        DoctorCheck(model.SUBJECT, partial(_model, context), model.REMEDY, 60),
    ]


def _machine(context: DoctorContext) -> Iterator[DoctorFinding]:
    settings = context.configuration.loaded.settings
    return machine.check_machine(context.configuration.place.home, addresses(settings))


def _secrets(context: DoctorContext) -> Iterator[DoctorFinding]:
    named = {
        Path(path): variable.name in MULTILINE
        for variable in VARIABLES
        if (path := context.environ.get(f"{variable.name}_FILE"))
    }
    folder = context.configuration.place.home / "secrets"
    found = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    files = {path: named.get(path, path.suffix in {".json", ".pem", ".age"}) for path in (*named, *found)}
    return secrets.check_secrets(secrets.read_secret_file(path, multiline=lines) for path, lines in files.items())


def _encryption(context: DoctorContext) -> Iterator[DoctorFinding]:
    return encryption.check_encryption(context.configuration.loaded.settings.storage.encryption, context.role)


def _store(context: DoctorContext) -> Iterator[DoctorFinding]:
    settings = context.configuration.loaded.settings.storage.storj
    fields = context.fields or {}
    return store.check_store(open_store(settings), settings, context.role, fields, context.clock())


def _brain(context: DoctorContext) -> Iterator[DoctorFinding]:
    place, settings = context.configuration.place, context.configuration.loaded.settings.storage.brain
    opened = open_brain(place, "doctor", settings, context.environ)
    return brain.check_brain(opened, place.brain or "the shipped example")


def _archive(context: DoctorContext) -> Iterator[DoctorFinding]:
    settings = context.configuration.loaded.settings.storage.archive
    return archive.check_archive(
        lambda writable: open_archive(settings, writable=writable),
        configured=bool(settings.url or settings.folder_id),
        writes=context.role == "round",
    )


def _backup(context: DoctorContext) -> Iterator[DoctorFinding]:
    storage = context.configuration.loaded.settings.storage
    if not storage.archive.is_configured:
        return  # the check of the archive has named it
    try:
        from commands.diagnosis.backup import judge_backup  # both of the extra `agent`
        from nervesys.agent.backup.retention import read_state
    except ModuleNotFoundError as err:
        install = "pip install 'nervesys-observability[agent]'"
        yield warn("backup", f"not checked: it needs the package {err.name}", install)
        return
    yield from judge_backup(read_state(open_archive(storage.archive), storage), context.clock())


def _prometheus(context: DoctorContext) -> Iterator[DoctorFinding]:
    loaded, alerts = context.configuration.loaded, _alerts(context)
    evaluated = (
        [alert.alertname for alert in alerts.alerts if not alert.posted] if alerts.engine == "prometheus" else []
    )
    client = Prometheus(loaded.settings.monitoring.prometheus_url, HTTP_SECONDS)
    return prometheus.check_prometheus(client, list(jobs(loaded.settings)), evaluated)


def _alertmanager(context: DoctorContext) -> Iterator[DoctorFinding]:
    monitoring, alerts = context.configuration.loaded.settings.monitoring, _alerts(context)
    local = _local(context)
    token = local.token.get_secret_value() if isinstance(local, LocalFile) and local.token else None
    evaluates = alerts.engine == "prometheus"
    return alertmanager.check_alertmanager(
        Alertmanager(f"http://{monitoring.listen.alertmanager}", HTTP_SECONDS),
        list(alerts.enabled) if evaluates else [],
        (ACTIONS, DEADMAN) if evaluates else (),
        token,
        lambda: receiver.seconds_since_webhook(monitoring.listen.receiver, monitoring.web, context.clock()),
    )


def _receiver(context: DoctorContext) -> Iterator[DoctorFinding]:
    monitoring, local = context.configuration.loaded.settings.monitoring, _local(context)
    if isinstance(local, LocalFile):
        yield receiver.judge_drivers(list(local.drivers.configured()), local.actions.mode)
    else:
        yield from (
            fail(receiver.SUBJECT, str(mistake), "write it: docs/how-to/restarts.md") for mistake in local.mistakes
        )
    yield from receiver.check_receiver(monitoring.listen.receiver, monitoring.web)


def _agents(context: DoctorContext) -> Iterator[DoctorFinding]:
    loaded, local = context.configuration.loaded, _local(context)
    try:
        heartbeats = agents.read_heartbeats(open_store(loaded.settings.storage.storj), loaded.settings, context.clock())
    except StoreUnavailable:
        yield fail("agents", "not checked: the store cannot be read", "see the finding on the store")
        return
    for name, config in sorted(loaded.agents.items()):
        if not config.enabled:
            continue
        heartbeat = heartbeats.get(name)
        limit = config.thresholds.over(loaded.settings.thresholds).heartbeat.down_after_seconds
        yield agents.judge_heartbeat(name, heartbeat, limit)
        if isinstance(local, LocalFile):
            yield from agents.check_driver(config, heartbeat, local.drivers.configured())


def _model(context: DoctorContext) -> Iterator[DoctorFinding]:
    return model.check_model(context.configuration.loaded.settings.alibaba.alibaba_cloud, ask=context.ask_model)


def _alerts(context: DoctorContext) -> AlertsFile:
    return read_alerts(context.configuration.tree)[0]


def _local(context: DoctorContext) -> LocalFile | SettingsError:
    """The receiver's local file; its mistakes belong to the receiver's findings, and end no other check."""
    try:
        return open_local(context.configuration.place, context.receiver_file)
    except SettingsError as err:
        return err
