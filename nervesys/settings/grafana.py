"""What dashboards are made for: config/grafana.yaml."""

from typing import Annotated

from pydantic import Field

from nervesys.settings.section import Section

Address = Annotated[str, Field(pattern=r"^(|https?://\S*\{path\}\S*)$")]


class Opened(Section):
    """Where people open what lies outside, as addresses with `{path}`; empty where there is no such place.

    Attributes:
        brain: a file of the brain, such as `https://github.com/acme/nervesys/blob/main/{path}`.
        store: an object, or a folder of objects, in the store's console.
    """

    brain: Address
    store: Address


class Grafana(Section):
    """config/grafana.yaml, whole.

    Attributes:
        url: as people open it; links in alerts are made from it.
        datasource_uid: of the Prometheus data source.
        alertmanager_uid: of the Alertmanager data source.
        folder: that the dashboards lie in.
        refresh_seconds: of open dashboards.
        opened: where links to the brain and the store lead.
    """

    url: str
    datasource_uid: str = Field(max_length=40)
    alertmanager_uid: str = Field(max_length=40)
    folder: str
    refresh_seconds: int = Field(ge=5)
    opened: Opened
