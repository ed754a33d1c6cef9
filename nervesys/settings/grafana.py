"""What dashboards are made for: config/grafana.yaml."""

from pydantic import Field

from nervesys.settings.section import Section


class Grafana(Section):
    """config/grafana.yaml, whole.

    Attributes:
        url: as people open it; links in alerts are made from it.
        datasource_uid: of the Prometheus data source.
        alertmanager_uid: of the Alertmanager data source.
        folder: that the dashboards lie in.
        refresh_seconds: of open dashboards.
    """

    url: str
    datasource_uid: str = Field(max_length=40)
    alertmanager_uid: str = Field(max_length=40)
    folder: str
    refresh_seconds: int = Field(ge=5)
