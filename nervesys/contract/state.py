"""Agent state and server metrics: the two small JSON objects that an agent writes at each heartbeat.

Of unknown fields, a bounded number is kept if they are numbers, for compatibility with newer agents; a wrong value in a
known optional field costs the field, and in a required one the object.
"""

import re
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_core import from_json

from nervesys.contract.names import agent_name, server_name
from nervesys.contract.times import END_OF_CALENDAR, format_time, parse_instant
from nervesys.contract.validation import first_problem, leave_out_null, leave_out_wrong, repair_text
from nervesys.errors import BadObject, Reason

COUNTER = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Valid names of custom counters."""
COUNTERS = 20
"""Most custom counters of one agent."""
COUNTERS_READ = 64
"""Most custom counters that are kept of a body, in its order."""
STATE_BYTES = 1 << 16
"""Largest object of an agent's state or of a server's metrics."""
EXTRAS = 64
"""Most unknown fields that are kept of an object."""
EXTRA_NAME = 64
"""Longest name of an unknown field that is kept, in characters."""
MAX_COUNT = 2.0**63
"""Largest count: more than a counter of 64 bits holds is a mistake, and sums of such counts stay finite."""


def _instant(value: object) -> float:
    try:
        return parse_instant(value)
    except BadObject as bad:
        raise ValueError(bad.detail) from bad


def validated_name(check: Any) -> Any:
    """A field validated by a function of `nervesys.contract.names`."""

    def checked(raw: str) -> str:
        try:
            return str(check(raw))
        except BadObject as bad:
            raise ValueError(str(bad)) from bad

    return AfterValidator(checked)


Instant = Annotated[
    float, BeforeValidator(_instant), Field(ge=0, lt=END_OF_CALENDAR, allow_inf_nan=False), PlainSerializer(format_time)
]
"""Unix seconds inside, RFC 3339 in objects."""
AgentName = Annotated[str, validated_name(agent_name)]
ServerName = Annotated[str, validated_name(server_name)]
Count = Annotated[float, Field(ge=0, le=MAX_COUNT, allow_inf_nan=False)]
Percent = Count
Score = Annotated[float, Field(allow_inf_nan=False)]


class Status(StrEnum):
    """Status that an agent reports; `stopped` only after a deliberate stop with exit code 0."""

    STARTING = "starting"
    RUNNING = "running"
    IDLE = "idle"
    DEGRADED = "degraded"
    STOPPING = "stopping"
    STOPPED = "stopped"


class ContractObject(BaseModel):
    """Base class of JSON objects of the contract, parsed from untrusted bytes."""

    model_config = ConfigDict(extra="allow", frozen=True)

    null_is_value: ClassVar[bool] = False
    """Whether `null` is a value in this object; else it equals a missing field."""

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Parse a body. `null` equals missing; a wrong optional field, or a wrong item of several, is left out.

        Raises:
            BadObject: `bad_json` if it is not a JSON object, `bad_name` or `bad_value` if a required field is wrong.
        """
        text = repair_text(body)
        try:
            if b"null" not in text or cls.null_is_value:
                return cls.model_validate_json(text)
        except ValidationError as err:
            if err.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
                raise _bad_object(err) from None
        try:
            return cls.take(from_json(text))
        except ValueError as err:
            raise BadObject(Reason.BAD_JSON, "is not JSON") from err

    @classmethod
    def take(cls, value: Any) -> Self:
        """The object for a JSON value, with the same tolerance as `parse`; what is left out leaves the value too.

        Raises:
            BadObject: as `parse`.
        """
        if not cls.null_is_value:
            leave_out_null(value)
        while True:
            try:
                return cls.model_validate(value)
            except ValidationError as err:
                problem = err
            required = {name for name, field in cls.model_fields.items() if field.is_required()}
            if not leave_out_wrong(value, problem, required):
                raise _bad_object(problem)

    def body(self) -> bytes:
        """The object as it is stored."""
        return self.model_dump_json(exclude_none=True).encode()


def _bad_object(err: ValidationError) -> BadObject:
    where, problem = first_problem(err)
    reason = Reason.BAD_JSON if not where else Reason.BAD_NAME if "bad_name" in problem else Reason.BAD_VALUE
    problem = problem.removeprefix("bad_name: ")
    return BadObject(reason, f"{where}: {problem}" if where else problem)


class BoundedObject(ContractObject):
    """An object of which readers keep what the contract names, and of unknown fields a number of numbers.

    Without a bound, an object of 1 MiB of unknown fields takes 26 MiB of memory.
    """

    @model_validator(mode="after")
    def _bound_extras(self) -> Self:
        if extras := self.__pydantic_extra__:
            numbers = ((key, value) for key, value in extras.items() if _is_number(value) and len(key) <= EXTRA_NAME)
            kept = dict(islice(numbers, EXTRAS))
            fields = self.__pydantic_fields_set__ & {*type(self).model_fields, *kept}
            object.__setattr__(self, "__pydantic_extra__", kept)
            object.__setattr__(self, "__pydantic_fields_set__", fields)
        return self


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_COUNT


def _valid_counters(counters: dict[str, float]) -> dict[str, float]:
    return dict(islice((item for item in counters.items() if COUNTER.fullmatch(item[0])), COUNTERS_READ))


class NetworkIo(BoundedObject):
    """Bytes since the server started."""

    rx_bytes: Count | None = None
    tx_bytes: Count | None = None


class Anomalies(BoundedObject):
    """Anomaly score of each signal: a robust z-score against its recent values; the sign is the direction."""

    cpu: Score | None = None
    memory: Score | None = None
    disk: Score | None = None
    receive: Score | None = None
    transmit: Score | None = None


class ServerMetrics(BoundedObject):
    """Metrics of a server, as one of its agents measured them; percentages are 0 to 100."""

    timestamp: Instant
    server: ServerName
    agent_id: AgentName | None = None
    cpu_percent: Percent | None = None
    memory_percent: Percent | None = None
    disk_percent: Percent | None = None
    network_io: NetworkIo | None = None
    load_1m: Count | None = None
    load_5m: Count | None = None
    load_15m: Count | None = None
    buffer_size_mb: Count | None = None
    uptime_seconds: Count | None = None
    anomalies: Anomalies | None = None


class Tasks(BoundedObject):
    """Number of ended tasks since the start."""

    completed: Count = 0
    failed: Count = 0


class Buffer(BoundedObject):
    """The agent's local log buffer.

    Attributes:
        dropped: number of records dropped because the buffer was full, by level, since its file was created.
        set_aside: number of damaged files that were moved aside, since the start.
    """

    bytes: Count = 0
    records: Count = 0
    oldest_timestamp: Instant | None = None
    dropped: dict[str, Count] = Field(default_factory=dict)
    set_aside: Count = 0


class Usage(BoundedObject):
    """Resource usage of the agent's process and its children.

    Attributes:
        cpu_percent: of one processor, averaged since the last heartbeat; above 100 if several are busy.
        memory_bytes: resident set size.
    """

    cpu_percent: Count | None = None
    memory_bytes: Count | None = None


class BrainCopy(BoundedObject):
    """The configuration that an agent uses.

    Attributes:
        commit: commit of the brain's `main`; None if the brain is a plain folder.
        checked_at: when it was last known to be current; None if never since the start.
        reachable: whether the brain could be reached at the last attempt; else the last good copy is used.
    """

    commit: str | None = None
    checked_at: Instant | None = None
    reachable: bool = True


class AgentState(BoundedObject):
    """The state of an agent, rewritten at each heartbeat.

    `instance_id` is new at every start of the process; it proves a restart, which a newer heartbeat does not. `metrics`
    holds the newest server metrics, so that readers need no second object. `counters` are the author's own counters
    since the start.
    """

    agent_id: AgentName
    instance_id: str | None = None
    server: ServerName | None = None
    status: Status
    timestamp: Instant
    started_at: Instant | None = None
    role: str | None = None
    model: str | None = None
    version: str | None = None
    current_task: str | None = None
    tasks: Tasks | None = None
    tokens_used: Count | None = None
    counters: Annotated[dict[str, Count], AfterValidator(_valid_counters)] | None = None
    buffer: Buffer | None = None
    usage: Usage | None = None
    last_error: str | None = None
    brain: BrainCopy | None = None
    metrics: ServerMetrics | None = Field(default=None, validation_alias=AliasChoices("metrics", "server_metrics"))
