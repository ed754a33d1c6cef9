"""The manifest of an artifact, version 1.0: what it is, whose, and where its content lies; never the content itself."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from nervesys.contract.state import AgentName, Instant
from nervesys.contract.ulid import PATTERN

Id = Annotated[str, StringConstraints(pattern=PATTERN)]
"""A ULID."""
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$")]
"""Of a trace or a step, given by whoever begins it."""
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
"""Of artifacts, such as `report`."""
ContentType = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*/[A-Za-z0-9][A-Za-z0-9_.+-]*(; ?[a-z]+=[A-Za-z0-9_-]+)?$", max_length=127
    ),
]
Checksum = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, in hexadecimal digits."""
Text = Annotated[str, StringConstraints(max_length=256)]

MAX_BYTES = 1 << 62
"""Of a content: what any database can count."""
MAX_INPUTS = 1000
MAX_DAYS = 36_500


class Status(StrEnum):
    """How far an artifact is; the only thing about it that ever changes, and only in this direction."""

    UPLOADING = "uploading"
    COMPLETED = "completed"
    DELETED = "deleted"
    """It exists no longer; what stands for it keeps its id from being used again."""


class Visibility(StrEnum):
    """Who may read it, beside its owner and whoever made it."""

    TRACE = "trace"
    """The members of its trace."""
    PRIVATE = "private"
    """Nobody."""
    PUBLIC = "public"
    """Every agent."""


class Context(BaseModel):
    """How it came to be.

    Attributes:
        input_artifacts: ids of what it was made from.
        execution_time_ms: that making it took.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt_version: Text | None = None
    model_name: Text | None = None
    model_params: dict[str, Any] = Field(default_factory=dict)
    input_artifacts: tuple[Id, ...] = Field(default=(), max_length=MAX_INPUTS)
    execution_time_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class Manifest(BaseModel):
    """What the service knows of one artifact.

    Attributes:
        manifest: version of this form.
        version: 1 for the first; one more than that of what it supersedes.
        supersedes: id of what it takes the place of.
        trace_id: the process that it belongs to.
        step_id: of that process.
        uri: where its content lies, below the root of all files.
        retention: days from `created_at` on; None keeps it for ever.
        owner: who may read it whatever its visibility.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    manifest: Literal["1.0"] = "1.0"
    id: Id
    version: int = Field(default=1, ge=1, lt=1 << 31)
    supersedes: Id | None = None
    trace_id: Key | None = None
    step_id: Key | None = None
    created_by: AgentName
    created_at: Instant
    artifact_type: Kind
    content_type: ContentType
    uri: str = Field(max_length=2048)
    size_bytes: int = Field(ge=0, le=MAX_BYTES)
    checksum: Checksum
    status: Status = Status.UPLOADING
    retention: int | None = Field(default=None, ge=1, le=MAX_DAYS)
    owner: AgentName
    visibility: Visibility = Visibility.TRACE
    context: Context = Context()

    @model_validator(mode="after")
    def _belongs(self) -> Self:
        if self.trace_id is None and (self.step_id is not None or self.visibility is Visibility.TRACE):
            raise ValueError("a step, or the visibility `trace`, needs a trace_id")
        if (self.version == 1) != (self.supersedes is None):
            raise ValueError("the first version supersedes nothing, every other one does")
        return self

    def same(self, other: Self) -> bool:
        """Whether both say the same, but for the status."""
        return self == other.model_copy(update={"status": self.status})

    @property
    def expires_at(self) -> float | None:
        """Unix seconds; None for never."""
        return None if self.retention is None else self.created_at + self.retention * 86_400
