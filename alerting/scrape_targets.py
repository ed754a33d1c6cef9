"""The programs that Prometheus scrapes, and their addresses."""

from dataclasses import dataclass

from nervesys.settings import Settings

ARTIFACTS = "artifacts"
EXPORTERS = "exporters"
OWN = {"receiver": "receiver", "artifacts-service": ARTIFACTS, "logs": "logs", "page": "page", EXPORTERS: EXPORTERS}
"""Our programs that are no single source: job to the setting with their address; no source may have such a name."""
FOREIGN = ("prometheus", "alertmanager")
"""Programs that the settings `web` (TLS, basic auth) do not apply to."""


@dataclass(frozen=True)
class ScrapeTargets:
    """Where the metrics of a job are.

    Attributes:
        addresses: `HOST:PORT` each; several for shards and replicas.
        program: that listens there; several jobs may belong to one.
        path: None for Prometheus's default, `/metrics`.
    """

    addresses: tuple[str, ...]
    program: str
    path: str | None = None


def jobs(settings: Settings) -> dict[str, ScrapeTargets]:
    """Every job that is scraped; the artifact service only where its source is."""
    monitoring, shared = settings.monitoring, settings.shared_sources
    several = {"receiver": monitoring.receivers, "alertmanager": monitoring.alertmanagers}
    found = {
        name: _shared(monitoring.listen.exporters, name)
        if name in shared
        else ScrapeTargets(monitoring.exporters(name), f"{name}-exporter")
        for name in settings.sources
    }
    if shared:  # metrics of the process itself, which its sources do not repeat
        found[EXPORTERS] = _shared(monitoring.listen.exporters, EXPORTERS)
    absent = {EXPORTERS} | ({ARTIFACTS} - settings.sources.keys())
    others = {job: name for job, name in OWN.items() if name not in absent} | {name: name for name in FOREIGN}
    return found | {
        job: ScrapeTargets(several.get(name) or (getattr(monitoring.listen, name),), name)
        for job, name in others.items()
    }


def addresses(settings: Settings) -> dict[str, str]:
    """The address of every program that is scraped; several of one have numbers."""
    return {
        f"{target.program} {number}" if number else target.program: address
        for target in jobs(settings).values()
        for number, address in enumerate(target.addresses)
    }


def _shared(address: str, job: str) -> ScrapeTargets:
    return ScrapeTargets((address,), EXPORTERS, f"/metrics/{job}")
