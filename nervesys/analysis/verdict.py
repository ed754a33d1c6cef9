"""The verdict on an error: the only answer that is accepted from a model."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from nervesys.contract.validation import first_problem
from nervesys.errors import NervesysError

REASON_CHARACTERS = 300
"""Longest reason; the rest is cut off."""


class NoModelAnswer(NervesysError):
    """The model did not answer, or its answer is invalid."""


class ErrorSeverity(StrEnum):
    """Whether people must be notified at once."""

    CRITICAL = "critical"
    NORMAL = "normal"


def _in_one_line(value: object) -> object:
    return " ".join(value.split())[:REASON_CHARACTERS] if isinstance(value, str) else value


class ErrorVerdict(BaseModel):
    """The judgement on one error; its JSON schema is what the model is asked for."""

    model_config = ConfigDict(frozen=True)

    severity: ErrorSeverity
    reason: Annotated[str, BeforeValidator(_in_one_line), StringConstraints(min_length=1)]


def verdict_in(answer: str) -> ErrorVerdict:
    """Parse the verdict in an answer; anything around the JSON, such as a code fence, is ignored.

    Raises:
        NoAnswer: it has no valid verdict.
    """
    try:
        return ErrorVerdict.model_validate_json(answer[answer.find("{") : answer.rfind("}") + 1])
    except ValidationError as err:
        problem = ": ".join(filter(None, first_problem(err)))
        raise NoModelAnswer(f"read the model's answer: {problem}") from None
