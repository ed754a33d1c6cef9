"""Settings of the dashboards: config/grafana.yaml."""

from typing import Annotated

from pydantic import Field, SecretStr

from nervesys.contract.validation import text_form
from nervesys.settings.section import SettingsSection

Address = Annotated[str, text_form(r"|https?://\S*\{path\}\S*", "must be empty, or a URL that holds {path}")]


class LinkTemplates(SettingsSection):
    """URL templates with `{path}`, for links from dashboards to the brain and the store; may be empty.

    Attributes:
        brain: a file of the brain, such as `https://github.com/acme/nervesys/blob/main/{path}`.
        store: an object, or a folder of objects, in the store's console.
    """

    brain: Address
    store: Address


class GrafanaSettings(SettingsSection):
    """config/grafana.yaml, whole.

    Attributes:
        url: of Grafana, as browsers reach it, for links in alerts; empty where the page of dashboards runs instead.
        api_key: token of a service account, for its API.
        datasource_uid: uid of the Prometheus data source.
        alertmanager_uid: uid of the Alertmanager data source.
        logs_uid: uid of the data source of log records, of type Loki.
        folder: Grafana folder of the dashboards.
        refresh_seconds: refresh interval of open dashboards.
        live_minutes: time range that pages of live data open with, in minutes; None for the range that suits each page.
        opened: URL templates of links to the brain and the store.
    """

    url: str
    api_key: SecretStr | None = None
    datasource_uid: str = Field(max_length=40)
    alertmanager_uid: str = Field(max_length=40)
    logs_uid: str = Field(max_length=40)
    folder: str
    refresh_seconds: int = Field(ge=5)
    live_minutes: int | None = Field(default=None, ge=5)
    opened: LinkTemplates
