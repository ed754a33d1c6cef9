"""Settings for reading log records: config/logs.yaml."""

from typing import Annotated

from pydantic import Field

from nervesys.settings.section import SettingsSection


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


class LogsSettings(SettingsSection):
    """config/logs.yaml, whole."""

    query: LogQuerySettings
