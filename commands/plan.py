"""Plans the local stack: its processes, and the text of every file that they load."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from alerting.generate import build
from alerting.model import AlertsFile, read_alerts
from alerting.receiver.local import FILE as RECEIVER_FILE
from commands.alerts import check_alerts
from commands.conditions import condition_compiler
from dashboards import build as dashboards_build
from nervesys.artifacts.tokens import ADMIN
from nervesys.clock import Clock, system_clock
from nervesys.contract import server_name
from nervesys.errors import BadObject
from nervesys.settings import FolderTree, Loaded, StartupSettings, Tree, load, shipped_root
from nervesys.stack import daemon, grafana, keys, programs
from nervesys.stack.layout import FILE, Stack
from nervesys.stack.seed import seed
from nervesys.stack.services import services
from nervesys.stores.open_brain import open_tree, plain_folder

PROFILE = "local"
LIMITS = {"start_allowance_seconds": 30, "cooldown_seconds": 10}
"""Short limits for the receiver, because local agents start within seconds, and the demo shall be repeatable."""
LOOPBACK = "127.0.0.1,localhost"

PROVISIONING = "provisioning/"
"""Folder in the home."""


@dataclass(frozen=True)
class StackPlan:
    """What to run.

    Attributes:
        stack: the processes.
        inherited: environment variables that they inherit.
        files: text of the files that they load, by path below the home.
        obsolete: paths of files to delete.
    """

    stack: Stack
    inherited: dict[str, str]
    files: dict[str, str]
    obsolete: tuple[str, ...]


def make(
    place: StartupSettings, archive: str | None, environ: Mapping[str, str] = os.environ, clock: Clock = system_clock
) -> StackPlan:
    """Plan the stack of a home, and create its keys, brain and folders if they are missing.

    Args:
        place: a brain that is a folder, or none, is copied to a Git repository in the home.
        archive: URL; None for a folder in the home.
        environ: environment variables.
        clock: dates the brain's first commit.

    Raises:
        SettingsError: the configuration is wrong.
        BrainUnavailable: the brain cannot be read.
        ProgramMissing: a program cannot be found or downloaded.
    """
    keys.make(place.home / "secrets")
    inherited = {
        name: value for name, value in environ.items() if not name.startswith(_removed_prefixes(place, archive))
    }
    profile = place.profile or PROFILE
    brain, loaded, alerts = _configuration(place, profile, inherited, clock)
    keys.make(place.home / loaded.settings.storage.artifacts.tokens, (*loaded.agents, ADMIN))
    monitoring, bucket = loaded.settings.monitoring, loaded.settings.storage.storj.bucket
    for folder in (f"s3/{bucket}", "archive", "log", "prometheus", "alertmanager", "grafana"):
        (place.home / folder).mkdir(parents=True, exist_ok=True)
    fetched = place.home / "programs"
    stack = Stack(
        home=place.home,
        socket=daemon.socket_of(place.home),
        environ={
            **_environment(place, monitoring.listen.s3, environ),
            "NERVESYS_BRAIN": brain,
            "NERVESYS_PROFILE": profile,
            "NERVESYS_ARCHIVE": archive or (place.home / "archive").as_uri(),
        },
        services=services(
            place.home,
            monitoring,
            [name for name, agent in loaded.agents.items() if agent.enabled],
            lambda name: programs.find(name, fetched),
            programs.find_installed("grafana", fetched),
        ),
    )
    files = _files(stack, loaded, alerts)
    wanted = [path.removeprefix(PROVISIONING) for path in files]
    return StackPlan(stack, inherited, files, tuple(f"{PROVISIONING}{path}" for path in build.obsolete(wanted)))


def _environment(place: StartupSettings, s3: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that point all programs to the local store and brain, without a proxy."""
    return {
        "NERVESYS_HOME": str(place.home),
        "NERVESYS_SERVER": _server(environ),
        "STORJ_ENDPOINT": f"http://{s3}",
        "STORJ_ACCESS_KEY_FILE": str(place.secret("store_access_key")),
        "STORJ_SECRET_KEY_FILE": str(place.secret("store_secret_key")),
        "PYTHONUNBUFFERED": "1",
        "no_proxy": ",".join(filter(None, (environ.get("no_proxy") or environ.get("NO_PROXY"), LOOPBACK))),
    }


def _files(stack: Stack, loaded: Loaded, alerts: AlertsFile) -> dict[str, str]:
    """The text of all files that the programs load, by path below the home."""
    before = build.read_provisioned_uids(stack.home / PROVISIONING)
    provisioning = build.files(condition_compiler(loaded), alerts, stack.home / "secrets", before)
    files = {
        FILE: stack.model_dump_json(indent=2) + "\n",
        daemon.CONFIG: daemon.config(stack),
        RECEIVER_FILE: _receiver_file(stack),
        **{f"{PROVISIONING}{path}": text for path, text in provisioning.items()},
    }
    files |= {f"{PROVISIONING}{path}": text for path, text in dashboards_build.recording_files(loaded).items()}
    if any(service.name == "grafana" for service in stack.services):
        pages = dashboards_build.files(loaded, str(stack.home / "provisioning/grafana/dashboards"))
        files[grafana.CONFIG] = grafana.config(stack.home, loaded.settings.monitoring.listen.grafana)
        files |= {f"{PROVISIONING}{path}": text for path, text in pages.items()}
    elif alerts.engine == "grafana":
        raise programs.ProgramMissing(
            "config/alerts.yaml says `engine: grafana`, but Grafana is not installed on this machine"
        )
    return files


def _removed_prefixes(place: StartupSettings, archive: str | None) -> tuple[str, ...]:
    """Prefixes of environment variables that are removed, so that the local stack never touches remote stores."""
    local_brain = place.brain is None or plain_folder(place.brain)
    return (
        "STORJ_",
        "AWS_",
        "RCLONE_",
        "NERVESYS_ARTIFACTS",
        *(("GITHUB_",) if local_brain else ()),
        *(() if archive and archive.startswith("gdrive:") else ("GDRIVE_",)),
    )


def _configuration(
    place: StartupSettings, profile: str, environ: Mapping[str, str], clock: Clock
) -> tuple[str, Loaded, AlertsFile]:
    """URL of the brain for the programs, with its settings and alerts."""
    if place.brain and not plain_folder(place.brain):
        return place.brain, *_read(open_tree(place, "up"), place, profile, environ)
    folder, repository = Path(place.brain) if place.brain else shipped_root(), place.home / "brain.git"
    loaded, alerts = _read(FolderTree(folder), place, profile, environ)
    settings = loaded.settings.storage.brain
    seed(repository, folder, clock(), settings.branch, settings.state_branch)
    return str(repository), loaded, alerts


def _read(tree: Tree, place: StartupSettings, profile: str, environ: Mapping[str, str]) -> tuple[Loaded, AlertsFile]:
    loaded = load(tree, profile=profile, environ=environ, also=[read_alerts])
    return loaded, check_alerts(tree, loaded, secrets=place.home / "secrets")


def _server(environ: Mapping[str, str]) -> str:
    """The name of this host; `localhost` if it is not a valid host name."""
    try:
        return server_name(environ.get("NERVESYS_SERVER") or socket.gethostname())
    except BadObject:
        return "localhost"


def _receiver_file(stack: Stack) -> str:
    supervisor = {"url": f"unix://{stack.socket}", "servers": [stack.environ["NERVESYS_SERVER"]]}
    return yaml.safe_dump({"drivers": {"supervisor": supervisor}, "limits": LIMITS}, sort_keys=False)
