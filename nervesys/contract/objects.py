"""Base classes of the contract's JSON objects, which are parsed from untrusted bytes, and the types of their fields.

Of unknown fields, a bounded number is kept if they are numbers, for compatibility with newer agents; a wrong value in a
known optional field costs the field, and in a required one the object.
"""

from itertools import islice
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
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
        else:
            object.__setattr__(self, "__pydantic_fields_set__", _shared_set(self.__pydantic_fields_set__))
        return self


_FIELD_SETS: dict[frozenset[str], set[str]] = {}
FIELD_SETS = 1000
"""Most sets of field names that are kept to be shared."""


def _shared_set(fields: set[str]) -> set[str]:
    """One set for all objects with the same fields, which never change: pydantic's own take 4 KB a state."""
    names = frozenset(fields)
    if len(_FIELD_SETS) >= FIELD_SETS:
        return _FIELD_SETS.get(names, fields)
    return _FIELD_SETS.setdefault(names, fields)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_COUNT
