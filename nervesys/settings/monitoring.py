"""The programs that watch: where they listen, how often they look: config/monitoring.yaml."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from nervesys.contract.vitality import EntityName
from nervesys.errors import Mistake, SettingsError
from nervesys.settings.section import Section
from nervesys.settings.urls import HttpUrl, PlainUrl
from nervesys.settings.web import Web

_ADDRESS = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[^:\s]+):([0-9]{1,5})")
LAST_PORT = 65535


def address(said: str) -> str:
    """An address to listen at.

    Raises:
        ValueError: it is none.
    """
    found = _ADDRESS.fullmatch(said)
    if not found or int(found[1]) > LAST_PORT:
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:17001")
    return said


Address = Annotated[str, AfterValidator(address)]
"""`HOST:PORT`."""
Seconds = Annotated[float, Field(gt=0)]


class Listen(Section):
    """The one table of addresses, but for the exporters': every program of the stack listens here and nowhere else."""

    receiver: Address
    artifacts: Address
    page: Address
    prometheus: Address
    alertmanager: Address
    grafana: Address
    s3: Address


def fresh_seconds(every_seconds: float) -> float:
    """For how long after a success an area that is refreshed this often counts as fresh: four refreshes."""
    return 4 * every_seconds


class SourceRow(Section):
    """One source, as everybody but its own module sees it.

    Attributes:
        listen: of its exporter.
        refresh: seconds between two refreshes, by area.
    """

    listen: Address
    refresh: dict[str, Seconds]


class Vitality(Section):
    """Entities that serve their vital signs themselves, beside those that write them to the store.

    Attributes:
        urls: by the entity's name.
        timeout_seconds: for one answer, whole.
    """

    urls: dict[EntityName, PlainUrl]
    timeout_seconds: Seconds


class Hygiene(Section):
    """What is looked after beside the fleet.

    Attributes:
        secrets_folder: whose files' age is shown, from NERVESYS_HOME.
    """

    secrets_folder: str


class Prometheus(Section):
    """The Prometheus that scrapes and evaluates.

    Attributes:
        url: for queries; where empty, made from `listen.prometheus`.
    """

    url: HttpUrl | None = None
    scrape_interval_seconds: Seconds
    evaluation_interval_seconds: Seconds


class Alertmanager(Section):
    """How patiently people are told; actions have a route of their own, which waits for nobody.

    Attributes:
        peers: addresses of further Alertmanagers, which form a cluster with the one of `listen`.
        group_wait_seconds: before the first message about a new group of alerts.
        group_interval_seconds: before a message about what joined a group since.
        repeat_interval_seconds: before the same is said again.
    """

    peers: tuple[Address, ...]
    group_wait_seconds: Annotated[float, Field(ge=0)]
    group_interval_seconds: Seconds
    repeat_interval_seconds: Seconds


class Deadman(Section):
    """The dead-man's switch.

    Attributes:
        url: an outside URL that Alertmanager posts to each minute while all is well; None leaves it to the receiver.
        silence_seconds: without a Watchdog, after which the receiver notifies by its own path.
    """

    url: str | None = None
    silence_seconds: Seconds


class Monitoring(Section):
    """config/monitoring.yaml, whole.

    Attributes:
        sources: by name, which is the exporter's job in Prometheus too; all that a new source tells the others.
        docs_url: where runbooks and docs are read; runbook links are made from it.
        receiver_url: where people open the receiver's page; where empty, made from `listen.receiver`.
    """

    listen: Listen
    sources: dict[str, SourceRow]
    vitality: Vitality
    hygiene: Hygiene
    prometheus: Prometheus
    alertmanager: Alertmanager
    deadman: Deadman
    docs_url: str
    receiver_url: str | None = None
    web: Web

    @property
    def journal_url(self) -> str:
        """Where people read what the receiver did."""
        return self.receiver_url or self.web.url_of(self.listen.receiver)

    @property
    def alertmanagers(self) -> tuple[str, ...]:
        """Addresses of all Alertmanagers: each is told every alert, and asked for silences."""
        return (self.listen.alertmanager, *self.alertmanager.peers)

    @property
    def artifacts_url(self) -> str:
        """Where the service of artifacts is called."""
        return self.web.url_of(self.listen.artifacts)

    @property
    def prometheus_url(self) -> str:
        """Where Prometheus is asked."""
        return self.prometheus.url or f"http://{self.listen.prometheus}"

    def every_seconds(self, source: str, area: str) -> float:
        """Between two refreshes of an area.

        Raises:
            SettingsError: nobody says it.
        """
        row = self.sources.get(source)
        if row is None or area not in row.refresh:
            key = f"monitoring.sources.{source}.refresh.{area}"
            raise SettingsError([Mistake("config/monitoring.yaml", key, "is missing")])
        return row.refresh[area]

    def fresh_seconds(self, source: str, area: str) -> float:
        """Age of an area's last success beyond which what is served of it may no longer be relied on."""
        return fresh_seconds(self.every_seconds(source, area))
