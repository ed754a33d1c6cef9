"""The optional language model that analyses errors: config/alibaba.yaml."""

from pydantic import Field, SecretStr

from nervesys.settings.section import SettingsSection
from nervesys.settings.urls import HttpUrl


class AlibabaCloud(SettingsSection):
    """An OpenAI-compatible endpoint; everything works without it.

    Attributes:
        use_for: enabled uses, such as `error_analysis`.
        triggers: events that lead to a request.
        requests_per_minute: budget of requests.
        tokens_per_day: budget of tokens.
        timeout_seconds: of one request.
    """

    enabled: bool
    base_url: HttpUrl
    api_key: SecretStr | None = None
    model: str
    max_tokens: int = Field(gt=0)
    temperature: float = Field(ge=0, le=2)
    use_for: tuple[str, ...]
    triggers: tuple[str, ...]
    requests_per_minute: int = Field(gt=0)
    tokens_per_day: int = Field(gt=0)
    timeout_seconds: float = Field(gt=0)


class Alibaba(SettingsSection):
    """config/alibaba.yaml, whole."""

    alibaba_cloud: AlibabaCloud
