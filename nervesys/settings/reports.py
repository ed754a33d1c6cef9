"""What reports are made of and who gets them: config/reports.yaml."""

from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from nervesys.settings.section import Section


class Form(StrEnum):
    """What a report can be written as."""

    PDF = "pdf"
    HTML = "html"
    XLSX = "xlsx"


class Tls(StrEnum):
    """How the way to the mail server is kept secret."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


def _mailbox(said: str) -> str:
    if "@" not in said.strip("@") or any(letter.isspace() for letter in said):
        raise ValueError("not an address such as operators@example.org")
    return said


Mailbox = Annotated[str, AfterValidator(_mailbox)]
"""`name@domain`."""


class Mail(Section):
    """Who gets reports by mail, and by which server.

    Attributes:
        to: empty for nobody.
        user: with a password, to log in with.
        password: from `NERVESYS_SMTP_PASSWORD` or `NERVESYS_SMTP_PASSWORD_FILE`.
        timeout_seconds: of each step of the conversation.
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


class Reports(Section):
    """config/reports.yaml, whole.

    Attributes:
        formats: of what is put into the archive.
        by_round: whether agents make reports in the daily round; they must reach Prometheus.
    """

    formats: tuple[Form, ...] = Field(min_length=1)
    by_round: bool
    mail: Mail


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
