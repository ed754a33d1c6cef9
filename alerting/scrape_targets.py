"""The programs that Prometheus scrapes, and their addresses."""

from nervesys.settings import Settings

ARTIFACTS = "artifacts"
OWN = {"receiver": "receiver", "artifacts-service": ARTIFACTS}
"""Our programs that are no exporters: job to the setting with their address; no source may have such a name."""
FOREIGN = ("prometheus", "alertmanager")
"""Programs that the settings `web` (TLS, basic auth) do not apply to."""


def jobs(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Every program that is scraped, and its addresses; the artifact service only where its source is."""
    monitoring = settings.monitoring
    sources = {name: monitoring.exporters(name) for name in settings.sources}
    several = {"receiver": monitoring.receivers, "alertmanager": monitoring.alertmanagers}

    def addresses(name: str) -> tuple[str, ...]:
        return several.get(name) or (getattr(monitoring.listen, name),)

    ours = {job: addresses(name) for job, name in OWN.items() if name != ARTIFACTS or name in sources}
    return {**sources, **ours, **{name: addresses(name) for name in FOREIGN}}
