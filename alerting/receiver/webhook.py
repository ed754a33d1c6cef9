"""Parses the body of a webhook: Alertmanager's version 4, which Grafana's resembles.

An alert that cannot be read becomes a `BadAlert`; the others of the request are not affected.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from nervesys.contract.validation import first_problem

TEXT_LIMIT = 4096
"""Characters kept of one text; the rest is cut off."""
LABELS_LIMIT = 100
COUNT_LIMIT = 1_000_000


def clean(text: str) -> str:
    """A text that every database can hold: no lone surrogates, no NUL, not endless."""
    return text[:TEXT_LIMIT].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _clean(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def _count(value: object) -> int:
    """A number of alerts; what cannot be one counts as none, and costs no alert."""
    return value if isinstance(value, int) and 0 <= value <= COUNT_LIMIT else 0


Text = Annotated[str, BeforeValidator(_clean)]
Texts = Annotated[dict[Text, Text], Field(max_length=LABELS_LIMIT)]


class ReceivedAlert(BaseModel):
    """One alert of a request; fields that are not listed here are ignored."""

    model_config = ConfigDict(frozen=True)

    status: Literal["firing", "resolved"]
    labels: Texts
    annotations: Texts = Field(default_factory=dict)
    starts_at: Text = Field(alias="startsAt", default="")
    fingerprint: Text = ""

    @property
    def name(self) -> str:
        """Its `alertname`; empty where it has none."""
        return self.labels.get("alertname", "")

    def identity(self) -> str:
        """The sender's fingerprint, or one of our own where it sent none."""
        return self.fingerprint or digest(self.labels)


@dataclass(frozen=True)
class BadAlert:
    """An alert that cannot be read.

    Attributes:
        problem: what is wrong with it, without its values.
        fingerprint: of its content, so that its repeats are recognized.
    """

    problem: str
    fingerprint: str


@dataclass(frozen=True)
class WebhookRequest:
    """One webhook request.

    Attributes:
        alerts: in the order in which they were sent.
        truncated: alerts that the sender left out.
    """

    alerts: tuple[ReceivedAlert | BadAlert, ...]
    truncated: int = 0


class _Body(BaseModel):
    alerts: list[Any]
    truncated: Annotated[int, BeforeValidator(_count)] = Field(default=0, alias="truncatedAlerts")


_ALERT = TypeAdapter(ReceivedAlert)


def parse(body: bytes) -> WebhookRequest:
    """The alerts of a request.

    Raises:
        ValueError: the body is not JSON.
    """
    try:
        return _parse(json.loads(body))
    except RecursionError as err:
        raise ValueError("nested too deeply") from err


def _parse(content: Any) -> WebhookRequest:
    try:
        request = _Body.model_validate(content)
    except ValidationError as err:
        return WebhookRequest((BadAlert(_problem(err), digest(content)),))
    return WebhookRequest(tuple(map(_alert, request.alerts)), request.truncated)


def _alert(content: Any) -> ReceivedAlert | BadAlert:
    try:
        return _ALERT.validate_python(content)
    except ValidationError as err:
        return BadAlert(_problem(err), digest(content))


def _problem(err: ValidationError) -> str:
    return clean(": ".join(filter(None, first_problem(err))))


def digest(value: Any) -> str:
    """A short name for any JSON value: the same for the same content."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
