"""TLS, basic auth and host names of the HTTP listeners: `web` in config/monitoring.yaml."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr, model_validator

from nervesys.errors import SettingsError, SettingsProblem
from nervesys.settings.section import SettingsSection

FILE = "config/monitoring.yaml"
_HOST = re.compile(r"\*|[0-9A-Za-z._-]+|[0-9A-Fa-f:.]+")


def _host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise ValueError("must be a host name or an address, without scheme, port or path; * allows every name")
    return name


class Web(SettingsSection):
    """TLS, basic auth and host names of every HTTP listener; TLS and basic auth are off by default.

    Attributes:
        tls_cert_file: PEM certificate chain.
        tls_key_file: PEM private key.
        basic_auth_user: required on every page except `/-/healthy`, together with the password.
        basic_auth_password: from `NERVESYS_WEB_PASSWORD` or `NERVESYS_WEB_PASSWORD_FILE`.
        hosts: further names by which clients reach the programs, as of a proxy; requests for other hosts are refused.
    """

    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    basic_auth_user: str | None = None
    basic_auth_password: SecretStr | None = None
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()

    @model_validator(mode="after")
    def _check_basic_auth(self) -> Self:
        password = self.basic_auth_password
        if self.basic_auth_user == "" or (password is not None and not password.get_secret_value()):
            raise ValueError("basic auth needs a user and a password that are not empty")
        if ":" in (self.basic_auth_user or ""):
            raise ValueError("basic_auth_user: must not hold a colon, which ends the user in a request")
        return self

    def check_listener(self) -> None:
        """Check that nothing is half set, which would leave the pages open.

        Programs that listen call it. Others load these settings too, and need not know the password.

        Raises:
            SettingsError: user without password or password without user; a TLS key without certificate.
        """
        if (self.basic_auth_user is None) != (self.basic_auth_password is None):
            missing = ("password", "NERVESYS_WEB_PASSWORD") if self.basic_auth_user else ("user", "NERVESYS_WEB_USER")
            problem = f"basic auth needs a user and a password; set {missing[1]}, or {missing[1]}_FILE"
            raise SettingsError([SettingsProblem(FILE, f"web.basic_auth_{missing[0]}", problem)])
        if self.tls_key_file is not None and self.tls_cert_file is None:
            problem = "is missing, but web.tls_key_file is set; set NERVESYS_WEB_TLS_CERT"
            raise SettingsError([SettingsProblem(FILE, "web.tls_cert_file", problem)])

    def url_of(self, address: str) -> str:
        """The URL of a listener of ours, with its scheme.

        Args:
            address: `HOST:PORT`, perhaps with a path behind it.
        """
        return f"{'https' if self.tls_cert_file else 'http'}://{address}"
