"""Formats and recipients of reports: config/reports.yaml."""

from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from nervesys.settings.section import SettingsSection


class ReportFormat(StrEnum):
    """File format of a report."""

    PDF = "pdf"
    HTML = "html"
    XLSX = "xlsx"


class Tls(StrEnum):
    """Encryption of the connection to the mail server."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


def _mailbox(text: str) -> str:
    if "@" not in text.strip("@") or any(letter.isspace() for letter in text):
        raise ValueError("not an address such as operators@example.org")
    return text


Mailbox = Annotated[str, AfterValidator(_mailbox)]
"""`name@domain`."""


class MailSettings(SettingsSection):
    """Recipients of reports, and the mail server.

    Attributes:
        to: recipients; empty to send no mail.
        user: for authentication, together with a password.
        password: from `NERVESYS_SMTP_PASSWORD` or `NERVESYS_SMTP_PASSWORD_FILE`.
        timeout_seconds: of each SMTP command.
    """

    to: tuple[Mailbox, ...]
    sender: Mailbox
    host: str
    port: int = Field(ge=1, le=65535)
    tls: Tls
    user: str | None = None
    password: SecretStr | None = None
    timeout_seconds: float = Field(gt=0)

    @model_validator(mode="after")
    def _no_secret_in_clear(self) -> Self:
        if self.tls is Tls.NONE and self.password and not _loopback(self.host):
            raise ValueError("with `tls: none` the password would be sent in clear: use starttls or implicit")
        return self


class Reports(SettingsSection):
    """config/reports.yaml, whole.

    Attributes:
        formats: of the reports in the archive.
        by_round: whether agents write reports in the daily round; they must be able to reach Prometheus.
    """

    formats: tuple[ReportFormat, ...] = Field(min_length=1)
    by_round: bool
    mail: MailSettings


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
