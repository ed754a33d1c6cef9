"""The manifest of an artifact, version 1.0: its metadata and the URI of its content."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from nervesys.contract.names import creator_name
from nervesys.contract.objects import Instant
from nervesys.contract.ulid import PATTERN
from nervesys.contract.validation import text_form

Id = Annotated[
    str,
    text_form(
        f"{PATTERN}|^art_[A-Za-z0-9_-]{{1,60}}$",
        "must be a ULID such as 01KB3Q9ZJ4V7T2M8N5R6W0XYAB, or begin with art_",
    ),
]
"""A ULID, as agents make them, or an id of another program, such as `art_abc123`."""
Key = Annotated[
    str, text_form("[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}", "must be 1 to 128 of A-Z a-z 0-9 _ . : -, the first no sign")
]
"""Id of a trace or a step, chosen by the agent that begins it."""
Kind = Annotated[str, text_form("[a-z0-9][a-z0-9_.-]{0,63}", "must be 1 to 64 of a-z 0-9 _ . -, the first no sign")]
"""Type of an artifact, such as `report`."""
ContentType = Annotated[
    str,
    StringConstraints(max_length=127),
    text_form(
        "[A-Za-z0-9][A-Za-z0-9_.+-]*/[A-Za-z0-9][A-Za-z0-9_.+-]*(; ?[a-z]+=[A-Za-z0-9_-]+)?",
        "must be a content type, such as text/plain",
    ),
]
Checksum = Annotated[
    str,
    BeforeValidator(lambda value: value.removeprefix("sha256:") if isinstance(value, str) else value),
    text_form("[0-9a-f]{64}", "must be a SHA-256 in hex: 64 of 0-9 a-f"),
]
"""SHA-256, in hex; `sha256:` before it is dropped."""
Creator = Annotated[str, AfterValidator(creator_name)]
"""An agent, or a role with a number in another program's form, such as `agent.researcher.001`."""
Text = Annotated[str, StringConstraints(max_length=256)]

MAX_BYTES = 1 << 62
"""Largest size of a content; fits a signed 64-bit column."""
MAX_INPUTS = 1000
MAX_DAYS = 36_500
FOREVER = "infinite"
"""A retention without an end, as text; the same as null."""
Retention = Annotated[
    Annotated[int, Field(ge=1, le=MAX_DAYS)] | None,
    BeforeValidator(lambda value: None if value == FOREVER else value),
]


class ArtifactStatus(StrEnum):
    """State of an artifact: the only field that ever changes, and only in this order."""

    UPLOADING = "uploading"
    COMPLETED = "completed"
    DELETED = "deleted"
    """The content is gone; the row stays, so that the id is never used again."""


class Visibility(StrEnum):
    """Who may read it, besides its owner and its creator."""

    TRACE = "trace"
    """The members of its trace."""
    PRIVATE = "private"
    """Nobody else."""
    PUBLIC = "public"
    """Every agent."""


class ArtifactContext(BaseModel):
    """How the artifact was made.

    Attributes:
        input_artifacts: ids of the artifacts that it was made from.
        execution_time_ms: how long making it took.
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
        manifest: version of the manifest's format.
        version: 1 for the first; else one more than that of the artifact that it supersedes.
        supersedes: id of the artifact that this one replaces.
        trace_id: the trace that it belongs to.
        step_id: the step of that trace.
        uri: where its content is stored.
        retention: days to keep it, from `created_at` on; None, or `infinite`, for ever.
        owner: agent that may read it whatever its visibility.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    manifest: Literal["1.0"] = "1.0"
    id: Id
    version: int = Field(default=1, ge=1, lt=1 << 31)
    supersedes: Id | None = None
    trace_id: Key | None = None
    step_id: Key | None = None
    created_by: Creator
    created_at: Instant
    artifact_type: Kind
    content_type: ContentType
    uri: str = Field(max_length=2048)
    size_bytes: int = Field(ge=0, le=MAX_BYTES)
    checksum: Checksum
    status: ArtifactStatus = ArtifactStatus.UPLOADING
    retention: Retention = None
    owner: Creator
    visibility: Visibility = Visibility.TRACE
    context: ArtifactContext = ArtifactContext()

    @model_validator(mode="after")
    def _belongs(self) -> Self:
        if self.trace_id is None and (self.step_id is not None or self.visibility is Visibility.TRACE):
            raise ValueError("a step, or the visibility `trace`, needs a trace_id")
        if (self.version == 1) != (self.supersedes is None):
            raise ValueError("the first version supersedes nothing, every other one does")
        return self

    def same(self, other: Self) -> bool:
        """Whether both are equal, apart from the status."""
        return self == other.model_copy(update={"status": self.status})

    @property
    def expires_at(self) -> float | None:
        """Unix seconds; None for never."""
        return None if self.retention is None else self.created_at + self.retention * 86_400
