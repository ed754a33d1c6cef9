"""Settings that all receivers of pushed data have in common: credentials and limits."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from nervesys.settings.section import SettingsSection


class HttpCredentials(SettingsSection):
    """How requests to a receiver are authenticated: not at all, as a user, or by a token.

    Attributes:
        user: of basic auth, with `password_file`.
        password_file: file that holds the password; a relative name lies in the folder of secrets.
        token_file: file that holds a bearer token, in place of a user; relative as above.
    """

    user: str | None = None
    password_file: str | None = None
    token_file: str | None = None

    @model_validator(mode="after")
    def _has_single_authentication(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("`user` and `password_file` go together")
        if self.user is not None and self.token_file is not None:
            raise ValueError("it has either a user or a token_file")
        return self


class PushSettings(HttpCredentials):
    """How logs and traces are pushed.

    Attributes:
        tenant: sent as `X-Scope-OrgID`.
        timeout_seconds: for connecting and for each read.
    """

    tenant: str | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 30
