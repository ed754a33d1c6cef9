"""Settings for log records, how they are read and where they are sent: config/logs.yaml."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from nervesys.settings.push import PushSettings
from nervesys.settings.section import SettingsSection
from nervesys.settings.urls import PlainUrl


class LogQuerySettings(SettingsSection):
    """Limits of one query.

    Attributes:
        max_lines: records in one result.
        max_megabytes: size of the records that are read, unpacked, in millions of bytes.
        max_seconds: elapsed time.
        concurrent: queries that read at the same time.
    """

    max_lines: int = Field(ge=1, le=100_000)
    max_megabytes: Annotated[float, Field(gt=0)]
    max_seconds: Annotated[float, Field(gt=0)]
    concurrent: int = Field(ge=1, le=64)


class LogDatabaseKind(StrEnum):
    """What a log database is, which decides how records are sent to it."""

    LOKI = "loki"
    VICTORIALOGS = "victorialogs"
    OTLP = "otlp"
    """Any that takes OpenTelemetry's logs over HTTP in JSON."""


class LogPushSettings(PushSettings):
    """A log database that the exporter of the store sends all log records to.

    Attributes:
        url: its base, such as `http://loki:3100`; paths are added by kind. None sends nothing.
        kind: loki, victorialogs or otlp.
    """

    url: PlainUrl | None = None
    kind: LogDatabaseKind = LogDatabaseKind.LOKI


class LogsSettings(SettingsSection):
    """config/logs.yaml, whole.

    Attributes:
        query: limits of reading.
        push: a log database that records are sent to.
    """

    query: LogQuerySettings
    push: LogPushSettings = LogPushSettings()
