"""The optional language model that analyses errors: config/alibaba.yaml."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from nervesys.errors import SettingsProblem
from nervesys.settings.check import suggest
from nervesys.settings.section import SettingsSection
from nervesys.settings.urls import HttpUrl

if TYPE_CHECKING:
    from nervesys.settings.layers import Layers
    from nervesys.settings.loader import Settings

KEY = ("alibaba", "alibaba_cloud", "api_key")
LARGEST_ANSWER = 65_536
"""Tokens; no model gives a longer answer."""
ANSWER_TOKENS = 1000
"""Largest answer where only a budget is given."""
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
"""Of servers that usually need no key."""
USES = {
    "edge_analysis": "the agent has its logs judged before they are shipped: of what is normal, one record is shipped",
    "error_analysis": "the agent has its errors judged",
    "anomaly_detection": "the agent has unusual values of its server judged",
    "log_summarization": "the daily round writes a summary of the day's patterns of logs to the archive",
    "daily_summary": "the daily round describes the day, for the brain and the reports",
    "report_generation": "the same as daily_summary",
}
"""The values of `use_for`, each with what it enables."""


def _names(value: object) -> object:
    """Names of a list, of a mapping with a switch for each, or of a list of such mappings."""
    if isinstance(value, dict):
        return [str(name) for name, switch in value.items() if _is_on(switch)]
    if isinstance(value, list | tuple):
        return [name for item in value for name in _item_names(item)]
    return value


def _item_names(item: object) -> list[Any]:
    if not isinstance(item, dict):
        return [item]
    if isinstance(event := item.get("event") or item.get("on"), str):  # existing brains: {event: error, action: …}
        return [event]
    return [str(name) for name, switch in item.items() if _is_on(switch)]


def _is_on(switch: object) -> bool:
    if isinstance(switch, dict):
        return bool(switch.get("enabled", True))
    return switch is not False and switch is not None


def _use(name: str) -> str:
    if name not in USES:
        raise ValueError(f"unknown use {name!r}; {suggest(name, USES)}")
    return name


Names = BeforeValidator(_names)


class AlibabaCloud(SettingsSection):
    """An OpenAI-compatible endpoint; everything works without it.

    Attributes:
        max_tokens: of one answer.
        use_for: what it is used for: `USES`. A list, or names with true or false.
        triggers: events that lead to a request. A list, or names with what to do.
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
    use_for: Annotated[tuple[Annotated[str, AfterValidator(_use)], ...], Names]
    triggers: Annotated[tuple[str, ...], Names]
    requests_per_minute: int = Field(gt=0)
    tokens_per_day: int = Field(gt=0)
    timeout_seconds: float = Field(gt=0)

    def used_for(self, *uses: str) -> bool:
        """Whether it is enabled for one of these uses."""
        return self.enabled and not set(uses).isdisjoint(self.use_for)


class Alibaba(SettingsSection):
    """config/alibaba.yaml, whole."""

    alibaba_cloud: AlibabaCloud


def move_budget(layers: "Layers") -> None:
    """Take a `max_tokens` that no answer can have as what it is meant as: the budget of a day."""
    tokens = layers.values.get("alibaba", {}).get("alibaba_cloud", {}).get("max_tokens")
    if not isinstance(tokens, int) or tokens <= LARGEST_ANSWER:
        return
    answer, budget = (("alibaba", "alibaba_cloud", key) for key in ("max_tokens", "tokens_per_day"))
    where = layers.origin(answer)
    if where.partition(":")[0] != layers.origin(budget).partition(":")[0]:  # else the file has a budget beside it
        layers.put(budget, tokens, where)
    layers.put(answer, ANSWER_TOKENS, where)


def missing_key(settings: "Settings", layers: "Layers") -> Iterator[SettingsProblem]:
    """A warning where the model is enabled without a key, unless it runs on this machine."""
    cloud = settings.alibaba.alibaba_cloud
    if cloud.enabled and cloud.api_key is None and urlsplit(cloud.base_url).hostname not in LOCAL_HOSTS:
        name, where = layers.awaited.get(KEY, ("DASHSCOPE_API_KEY", ""))[0], layers.origin((*KEY[:2], "enabled"))
        problem = f"the model is enabled and has no key: set {name} or {name}_FILE in the environment"
        yield SettingsProblem(where, "alibaba_cloud.api_key", problem)
