"""TLS and basic auth of the HTTP listeners: `web` in config/monitoring.yaml."""

from pydantic import SecretStr

from nervesys.settings.section import SettingsSection


class Web(SettingsSection):
    """TLS and basic auth of every HTTP listener; both are off by default.

    Attributes:
        tls_cert_file: PEM certificate chain.
        tls_key_file: PEM private key.
        basic_auth_user: required on every page except `/-/healthy`, together with the password.
        basic_auth_password: from `NERVESYS_WEB_PASSWORD` or `NERVESYS_WEB_PASSWORD_FILE`.
    """

    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    basic_auth_user: str | None = None
    basic_auth_password: SecretStr | None = None

    def url_of(self, address: str) -> str:
        """The URL of a listener of ours, with its scheme.

        Args:
            address: `HOST:PORT`, perhaps with a path behind it.
        """
        return f"{'https' if self.tls_cert_file else 'http'}://{address}"
