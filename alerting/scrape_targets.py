"""The programs that Prometheus scrapes, and their addresses."""

from nervesys.settings import Settings

ARTIFACTS = "artifacts"
OWN = {"receiver": "receiver", "artifacts-service": ARTIFACTS}
"""Our programs that are no exporters: job to the setting with their address; no source may have such a name."""
FOREIGN = ("prometheus", "alertmanager")
"""Programs that the settings `web` (TLS, basic auth) do not apply to."""


def jobs(settings: Settings) -> dict[str, str]:
    """Every program that is scraped, and its address; the artifact service only where its source is."""
    listen = settings.monitoring.listen
    sources = {name: source.listen for name, source in settings.sources.items()}
    ours = {job: getattr(listen, name) for job, name in OWN.items() if name != ARTIFACTS or name in sources}
    return {**sources, **ours, **{name: getattr(listen, name) for name in FOREIGN}}
