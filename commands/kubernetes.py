"""`nervesys kubernetes`: the manifests of Kubernetes, from the same settings as everything else."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from alerting.generate.build import files
from alerting.model import read_alerts
from commands.alerts import check_alerts
from commands.conditions import condition_compiler
from commands.generated import report, write
from commands.options import BrainUrl, Home
from dashboards.build import files as dashboard_files
from nervesys.errors import NervesysError
from nervesys.settings import Loaded
from nervesys.stack.kubernetes.access import required_secrets
from nervesys.stack.kubernetes.context import SECRETS, ManifestContext
from nervesys.stack.kubernetes.overlays import (
    AGENTS_FILE,
    BASE,
    DIVIDED,
    LARGE_SHARDS,
    NOTICE,
    Overlay,
    base_files,
    overlay_files,
    place,
    read_places,
)
from nervesys.stores.open_stores import Configuration, load_configuration

app = typer.Typer(no_args_is_help=True)
DRIVER = "pod"
"""Agents that this driver restarts are pods; the others run elsewhere."""


@app.callback()
def kubernetes() -> None:
    """Write the manifests of Kubernetes from the settings."""


@app.command()
def build(
    overlay: Annotated[
        list[Overlay] | None, typer.Option(help="Which overlay to write; may be repeated (default: all).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("provisioning/kubernetes"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; print the objects, for `kubectl apply -f -`.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is out of date.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Write a Kustomize base and its overlays: small (one of each program) and large (several, external Prometheus).

    The settings are those of the brain with the profile `kubernetes`, for large also `kubernetes-large`; the table
    `kubernetes` in config/monitoring.yaml has the namespace, the image and the resources. Agents whose restart driver
    is `pod` run as pods of one StatefulSet, and keep their places in it when it is written again.

    For example: nervesys kubernetes build --brain https://github.com/you/your-brain --out k8s; kubectl apply -k
    k8s/overlays/small
    """
    overlays = overlay or list(Overlay)
    if dry_run and len(overlays) > 1:
        raise typer.BadParameter("--dry-run prints one overlay; name it with --overlay")
    before = read_places(out / AGENTS_FILE)
    wanted: dict[str, str] = {}
    for name in overlays:
        cluster = _cluster(name, before, home, brain)
        wanted |= base_files(cluster) | overlay_files(name, cluster)
    if dry_run:
        typer.echo("---\n".join(text for path, text in wanted.items() if not path.endswith("kustomization.yaml")))
        return
    console = Console()
    stale = write(out, wanted, check=check, obsolete=_obsolete(out, wanted, overlays))
    for warning in (*_moved(before, cluster.agents), *([] if cluster.brain else [NO_BRAIN])):
        typer.echo(f"warning: {warning}", err=True)
    report(console, stale, check=check)
    for secret, keys in required_secrets(cluster).items():
        console.print(f"Secret {secret}: {', '.join(keys)}", soft_wrap=True, highlight=False)


NO_BRAIN = "no brain is named: the pods would use the shipped example; name yours with --brain URL"


def _cluster(overlay: Overlay, before: Sequence[str], home: str | None, brain: str | None) -> ManifestContext:
    """What the files of an overlay are made from.

    Raises:
        SettingsError: the configuration is wrong.
        NervesysError: pods cannot use it.
    """
    profile = ",".join(filter(None, (os.environ.get("NERVESYS_PROFILE"), overlay.profile)))
    environ = {**os.environ, "NERVESYS_PROFILE": profile}
    start = load_configuration("kubernetes", environ, home=home, brain=brain, also=[read_alerts])
    loaded = _divided(start.loaded) if overlay is Overlay.LARGE else start.loaded
    _refuse_what_pods_cannot_use(loaded)
    alerts = check_alerts(start.tree, loaded, secrets=None)
    dashboards = dashboard_files(loaded)
    provisioned = files(condition_compiler(loaded), alerts, Path(SECRETS)) | dashboards
    agents = [name for name, agent in loaded.agents.items() if agent.enabled and agent.restart.driver == DRIVER]
    return ManifestContext(
        settings=loaded.settings,
        profile=profile,
        brain=_brain_url(start),
        agents=place(agents, before),
        provisioned=provisioned,
        dashboards={Path(path).stem: text for path, text in dashboards.items() if path.endswith(".json")},
        datasources=dashboards["grafana/datasources/nervesys.yaml"],
        own_prometheus=overlay is Overlay.SMALL,
    )


def _divided(loaded: Loaded) -> Loaded:
    """With several shards of the store's exporter, unless the brain has a number."""
    if f"monitoring.sources.{DIVIDED}.shards" in loaded.origins:
        return loaded
    monitoring = loaded.settings.monitoring.divide(DIVIDED, LARGE_SHARDS)
    return replace(loaded, settings=loaded.settings.model_copy(update={"monitoring": monitoring}))


def _brain_url(start: Configuration) -> str | None:
    """The brain's URL as pods fetch it.

    Raises:
        NervesysError: it is a folder of this machine, and the settings name no URL.
    """
    named, brain = start.loaded.settings.monitoring.kubernetes.brain, start.place.brain
    if named or brain is None:
        return named
    if "://" not in brain and not brain.startswith("git@"):
        raise NervesysError(
            f"monitoring.kubernetes.brain is missing: pods cannot read the folder {brain}; set its Git URL"
        )
    return brain


def _refuse_what_pods_cannot_use(loaded: Loaded) -> None:
    web, archive = loaded.settings.monitoring.web, loaded.settings.storage.archive
    if web.tls_cert_file or web.basic_auth_user:
        raise NervesysError(
            "monitoring.web: these manifests do not support TLS and basic auth of the programs; let an ingress or a "
            "service mesh do both"
        )
    if archive.url and archive.url.startswith("file:"):
        raise NervesysError(
            f"storage.archive.url: pods cannot share the folder {archive.url}; use gdrive://FOLDER_ID, or no archive"
        )


def _obsolete(out: Path, wanted: Mapping[str, str], overlays: Sequence[Overlay]) -> list[str]:
    """Generated files of the written folders that a kustomization no longer lists; files of others stay."""
    folders = (BASE, *(f"overlays/{overlay}" for overlay in overlays))
    found = (path for folder in folders for path in (out / folder).glob("*.yaml"))
    generated = (path.relative_to(out).as_posix() for path in found if path.read_bytes().startswith(NOTICE.encode()))
    return [name for name in generated if name not in wanted]


def _moved(before: Sequence[str], after: Sequence[str]) -> list[str]:
    return [
        f"agents-{ordinal} now runs {new} in place of {old}: kubectl delete pod agents-{ordinal}"
        for ordinal, (old, new) in enumerate(zip(before, after, strict=False))
        if old != new
    ]
