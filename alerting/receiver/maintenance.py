"""Whether nobody expects an agent to run now: a window in the brain, or a silence in Alertmanager, says so."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import requests

from alerting.journal import Episode
from nervesys.settings import AgentConfig

ASK_SECONDS = 3
SILENCED = {"silenced": "true", "active": "false", "inhibited": "false", "unprocessed": "false"}

Silenced = frozenset[tuple[str, str]]
"""(alertname, agent) of alerts that fire and are silenced."""

log = logging.getLogger(__name__)


def maintenance(config: AgentConfig, episode: Episode, silenced: Silenced, now: float) -> str:
    """Why nobody expects an agent to run now; empty when it should.

    Args:
        config: the agent's, with its windows.
        episode: whose alert may be silenced.
        silenced: as Alertmanager last said.
        now: Unix seconds.
    """
    instant = datetime.fromtimestamp(now, UTC)
    window = next((one for one in config.maintenance if one.begins <= instant < one.until), None)
    if window is not None:
        return f"maintenance until {window.until:%Y-%m-%d %H:%M} UTC{window.reason and f': {window.reason}'}"
    return f"{episode.alert} is silenced in Alertmanager" if (episode.alert, episode.agent) in silenced else ""


@dataclass(frozen=True)
class Alertmanager:
    """Where people silence alerts.

    Attributes:
        url: such as `http://127.0.0.1:17093`.
    """

    url: str

    def silenced(self) -> Silenced:
        """The alerts that fire and are silenced; none while it cannot be asked, for then the heartbeat decides."""
        try:
            answer = requests.get(f"{self.url}/api/v2/alerts", params=SILENCED, timeout=ASK_SECONDS)
            if answer.status_code != HTTPStatus.OK:
                raise requests.HTTPError(f"status {answer.status_code}")
            labels = [one["labels"] for one in answer.json()]
        except requests.RequestException as err:
            log.warning("ask Alertmanager for silences: %s", err)
            return frozenset()
        return frozenset((one.get("alertname", ""), one.get("agent", "").lower()) for one in labels)
