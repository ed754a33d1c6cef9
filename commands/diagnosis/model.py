"""The language model: one question of five tokens, and only on request, for it costs money."""

from collections.abc import Iterator

from commands.diagnosis.finding import DoctorFinding, ok, warn
from nervesys.analysis.model import Model
from nervesys.analysis.prompt import Prompt
from nervesys.settings.alibaba import AlibabaCloud

SUBJECT = "model"
REMEDY = "check base_url, model and api_key of config/alibaba.yaml"
TOKENS = 5


def check_model(settings: AlibabaCloud, *, ask: bool) -> Iterator[DoctorFinding]:
    """Ask the model, if that is wanted.

    Args:
        settings: config/alibaba.yaml.
        ask: whether a request may be sent.
    """
    if not settings.enabled:
        yield ok(SUBJECT, "disabled: nothing is sent to a model")
    elif settings.api_key is None:
        yield warn(SUBJECT, "enabled, but it has no key", "set DASHSCOPE_API_KEY, or enabled: false")
    elif not ask:
        yield ok(SUBJECT, f"{settings.model} at {settings.base_url}; not asked: that needs --ask-model")
    else:
        answer = Model(settings.model_copy(update={"max_tokens": TOKENS})).ask(Prompt("Answer with: yes", "{}"))
        yield ok(SUBJECT, f"{settings.model} at {settings.base_url} answered, for {answer.tokens:.0f} tokens")
