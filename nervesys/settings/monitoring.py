"""The monitoring programs, their addresses and intervals: config/monitoring.yaml."""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from nervesys.contract.vitality import EntityName
from nervesys.errors import SettingsError, SettingsProblem
from nervesys.settings.kubernetes import KubernetesSettings
from nervesys.settings.push import HttpCredentials, PushSettings
from nervesys.settings.section import SettingsSection
from nervesys.settings.urls import HttpUrl, PlainUrl
from nervesys.settings.web import Web

_ADDRESS = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[^:\s]+):([0-9]{1,5})")
LAST_PORT = 65535
EVERY_SOURCE = "all"
"""In place of the names of sources; no source may have this name."""


def address(text: str) -> str:
    """Validate an address to listen on.

    Raises:
        ValueError: it is not `HOST:PORT`.
    """
    found = _ADDRESS.fullmatch(text)
    if not found or int(found[1]) > LAST_PORT:
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:17001")
    return text


Address = Annotated[str, AfterValidator(address)]
"""`HOST:PORT`."""
Seconds = Annotated[float, Field(gt=0)]


class ListenSettings(SettingsSection):
    """Addresses of all programs except exporters with a process of their own; the stack listens nowhere else."""

    exporters: Address
    receiver: Address
    artifacts: Address
    logs: Address
    page: Address
    prometheus: Address
    alertmanager: Address
    grafana: Address
    s3: Address


def fresh_seconds(every_seconds: float, pass_seconds: float = 0) -> float:
    """How old the data of an area may be and still count as fresh, in seconds: four refresh intervals.

    Data is as old as the beginning of the refresh that read it, and served until the next one ends: two refreshes that
    take long, and one more for margin, are added, up to ten times the limit of short ones.

    Args:
        every_seconds: the refresh interval.
        pass_seconds: duration of the last successful refresh.
    """
    limit = 4 * every_seconds
    return min(limit + (3 * pass_seconds if pass_seconds > every_seconds / 2 else 0), 10 * limit)


class SourceSettings(SettingsSection):
    """The settings of one source.

    Attributes:
        listen: address of its exporter.
        refresh: refresh interval in seconds, by area.
        shards: exporters that divide the source among them; more than one need `exporter_shard_host`.
        enabled: False where its exporter does not run: nothing scrapes it then.
    """

    enabled: bool = True
    listen: Address
    refresh: dict[str, Seconds]
    shards: int = Field(default=1, ge=1, le=64)

    def at_host(self, host: str) -> Self:
        """The same source at another host, with its own port."""
        return self.model_copy(update={"listen": f"{host}:{self.listen.rpartition(':')[2]}"})


class VitalitySettings(SettingsSection):
    """Entities that serve their vital signs over HTTP; others write them to the store.

    Attributes:
        urls: by the entity's name.
        timeout_seconds: for one whole response.
    """

    urls: dict[EntityName, PlainUrl]
    timeout_seconds: Seconds


class HygieneSettings(SettingsSection):
    """Operational hygiene.

    Attributes:
        secrets_folder: folder, relative to NERVESYS_HOME, whose files' age is exposed.
    """

    secrets_folder: str


class RemoteWriteQueue(SettingsSection):
    """Prometheus's `queue_config`; what is left out has its default.

    Attributes:
        capacity: samples that each shard buffers.
        max_shards: concurrent senders.
        max_samples_per_send: samples in one request.
        batch_send_deadline_seconds: that a sample waits in the buffer at most.
    """

    capacity: int | None = Field(default=None, ge=1)
    max_shards: int | None = Field(default=None, ge=1)
    max_samples_per_send: int | None = Field(default=None, ge=1)
    batch_send_deadline_seconds: Seconds | None = None


class RemoteWriteSettings(HttpCredentials):
    """Another store of metrics that Prometheus sends all samples to, such as Mimir, VictoriaMetrics or Grafana Cloud.

    Attributes:
        url: of its endpoint, such as `https://metrics.example.org/api/v1/push`.
        queue: how samples are buffered and sent.
    """

    url: PlainUrl
    queue: RemoteWriteQueue = RemoteWriteQueue()


class TracesPushSettings(PushSettings):
    """Where traces are handed on to: Tempo, Jaeger, or any collector of OpenTelemetry.

    Attributes:
        otlp: base URL of OTLP/HTTP, such as `http://tempo:4318`; None hands nothing on.
    """

    otlp: PlainUrl | None = None


class TracesSettings(SettingsSection):
    """Traces of agents' programs."""

    push: TracesPushSettings = TracesPushSettings()


class PrometheusSettings(SettingsSection):
    """The Prometheus that scrapes and evaluates.

    Attributes:
        url: for queries; where empty, made from `listen.prometheus`.
        remote_write: other stores of metrics that it sends all samples to.
    """

    url: HttpUrl | None = None
    scrape_interval_seconds: Seconds
    evaluation_interval_seconds: Seconds
    remote_write: tuple[RemoteWriteSettings, ...] = ()


class AlertmanagerSettings(SettingsSection):
    """Notification of people; actions have a route of their own, without these delays.

    Attributes:
        peers: addresses of further Alertmanagers, which form a cluster with that of `listen`.
        group_wait_seconds: Alertmanager's `group_wait`.
        group_interval_seconds: Alertmanager's `group_interval`.
        repeat_interval_seconds: Alertmanager's `repeat_interval`.
    """

    peers: tuple[Address, ...]
    group_wait_seconds: Annotated[float, Field(ge=0)]
    group_interval_seconds: Seconds
    repeat_interval_seconds: Seconds


class HistorySettings(SettingsSection):
    """History from before Prometheus' own data.

    Attributes:
        backfill: `at_start` converts what is new in archive and brain at each start of the stack; `by_hand` leaves it
            to `nervesys history backfill`.
    """

    backfill: Literal["at_start", "by_hand"] = "by_hand"


class DeadmanSettings(SettingsSection):
    """The dead-man's switch.

    Attributes:
        url: external URL that Alertmanager posts to each minute while all is well; None relies on the receiver.
        silence_seconds: if no Watchdog arrives for this long, the receiver notifies people directly.
    """

    url: str | None = None
    silence_seconds: Seconds


class Monitoring(SettingsSection):
    """config/monitoring.yaml, whole.

    Attributes:
        sources: by name, which is also the `job` of the exporter in Prometheus.
        own_process: names of the sources whose exporter is a process of its own, or `all`; the others share one, which
            listens at `listen.exporters`.
        exporter_host: host of every exporter in place of that in its address, with `{source}` for the source's name.
        exporter_shard_host: the same for the exporters of a divided source, with `{shard}` for the number, from 1.
        docs_url: base URL of the documentation, for runbook links.
        receiver_url: URL of the receiver's page for people; default: made from `listen.receiver`.
        page_url: URL of the page with dashboards, logs and traces for people; default: made from `listen.page`.
        receiver_peers: addresses of further receivers, which share the journal with that of `listen`.
        kubernetes: the manifests of Kubernetes.
    """

    listen: ListenSettings
    sources: dict[str, SourceSettings]
    own_process: tuple[str, ...] = ()
    exporter_host: str | None = None
    exporter_shard_host: str | None = None
    vitality: VitalitySettings
    hygiene: HygieneSettings
    traces: TracesSettings = TracesSettings()
    prometheus: PrometheusSettings
    alertmanager: AlertmanagerSettings
    deadman: DeadmanSettings
    history: HistorySettings = HistorySettings()
    docs_url: str
    receiver_url: str | None = None
    page_url: str | None = None
    receiver_peers: tuple[Address, ...] = ()
    web: Web
    kubernetes: KubernetesSettings

    @model_validator(mode="after")
    def _check_own_process(self) -> Self:
        known = (*self.sources, EVERY_SOURCE)
        if unknown := [name for name in self.own_process if name not in known]:
            raise ValueError(f"own_process: no source is named {unknown[0]!r}; there are: {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _apply_exporter_host(self) -> Self:
        if self.exporter_host is None:
            return self
        host = self.exporter_host
        sources = {name: row.at_host(host.replace("{source}", name)) for name, row in self.sources.items()}
        return self.model_copy(update={"sources": sources})

    @model_validator(mode="after")
    def _check_shards(self) -> Self:
        divided = [name for name, source in self.sources.items() if source.shards > 1]
        if divided and "{shard}" not in (self.exporter_shard_host or ""):
            raise ValueError(
                f"sources.{divided[0]}.shards needs exporter_shard_host with {{shard}}, such as store-{{shard}}"
            )
        return self

    def exporters(self, source: str) -> tuple[str, ...]:
        """The addresses of all exporters of a source; several where its shards divide it."""
        row = self.sources[source]
        if row.shards == 1:
            return (row.listen,)
        host = (self.exporter_shard_host or "").replace("{source}", source)
        return tuple(row.at_host(host.replace("{shard}", str(number))).listen for number in range(1, row.shards + 1))

    def divide(self, source: str, shards: int) -> Self:
        """The same with another number of shards of a source."""
        divided = self.sources[source].model_copy(update={"shards": shards})
        return self.model_copy(update={"sources": {**self.sources, source: divided}})

    @property
    def receivers(self) -> tuple[str, ...]:
        """Addresses of all receivers."""
        return (self.listen.receiver, *self.receiver_peers)

    def has_own_process(self, source: str) -> bool:
        """Whether the exporter of a source is a process of its own; those of a divided source always are."""
        return self.sources[source].shards > 1 or not {source, EVERY_SOURCE}.isdisjoint(self.own_process)

    @property
    def journal_url(self) -> str:
        """URL of the receiver's journal, for people."""
        return self.receiver_url or self.web.url_of(self.listen.receiver)

    @property
    def own_page_url(self) -> str:
        """URL of our own page of dashboards, logs and traces, for people; without a slash at its end."""
        return (self.page_url or self.web.url_of(self.listen.page)).rstrip("/")

    @property
    def hosts(self) -> frozenset[str]:
        """Host names by which the configuration reaches our programs, and browsers our pages."""
        listen = self.listen
        exporters = [address for name in self.sources for address in (self.sources[name].listen, *self.exporters(name))]
        addresses = [listen.exporters, *self.receivers, listen.artifacts, listen.page, *exporters]
        names = {address.rpartition(":")[0].strip("[]") for address in addresses}
        names |= {urlsplit(url or "").hostname or "" for url in (self.receiver_url, self.page_url)}
        return frozenset(names - {""})

    @property
    def alertmanagers(self) -> tuple[str, ...]:
        """Addresses of all Alertmanagers."""
        return (self.listen.alertmanager, *self.alertmanager.peers)

    @property
    def artifacts_url(self) -> str:
        """URL of the artifact service."""
        return self.web.url_of(self.listen.artifacts)

    @property
    def prometheus_url(self) -> str:
        """URL of Prometheus, for queries."""
        return self.prometheus.url or f"http://{self.listen.prometheus}"

    def every_seconds(self, source: str, area: str) -> float:
        """The refresh interval of an area, in seconds.

        Raises:
            SettingsError: the settings have none.
        """
        row = self.sources.get(source)
        if row is None or area not in row.refresh:
            key = f"monitoring.sources.{source}.refresh.{area}"
            raise SettingsError([SettingsProblem("config/monitoring.yaml", key, "is missing")])
        return row.refresh[area]

    def fresh_seconds(self, source: str, area: str) -> float:
        """How long the data of an area counts as fresh after a successful refresh, in seconds."""
        return fresh_seconds(self.every_seconds(source, area))
