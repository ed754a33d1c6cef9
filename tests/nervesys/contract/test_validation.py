"""What is wrong with a value, in words: no expression, no word of pydantic, and never the value itself."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from nervesys.contract.validation import first_problem, text_form


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Square(BaseModel):
    kind: Literal["square"]


class Circle(BaseModel):
    kind: Literal["circle"]


class Everything(BaseModel, extra="forbid"):
    flag: bool = True
    whole: int = Field(default=1, gt=0)
    number: float = Field(default=1, allow_inf_nan=False)
    text: str = Field(default="", max_length=3)
    names: tuple[str, ...] = ()
    items: list[int] = []
    table: dict[str, int] = {}
    part: Square | None = None
    colour: Colour = Colour.RED
    shape: Annotated[Square | Circle, Field(discriminator="kind")] | None = None
    day: date | None = None
    at: AwareDatetime | None = None
    form: Annotated[str, text_form("[a-z]+/[a-z]+", "must be OWNER/NAME")] = "a/b"
    pattern: Annotated[str, Field(pattern="^[a-z]+$")] = "a"


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"flag": "secret"}, ("flag", "must be true or false")),
        ({"whole": "secret"}, ("whole", "must be a whole number")),
        ({"whole": 1.5}, ("whole", "must be a whole number")),
        ({"whole": 0}, ("whole", "must be greater than 0")),
        ({"number": "secret"}, ("number", "must be a number")),
        ({"number": float("inf")}, ("number", "must be a finite number")),
        ({"text": 7}, ("text", "must be text; a number or a date that is meant as text needs quotes")),
        ({"text": "secret"}, ("text", "must have at most 3 characters")),
        ({"names": "secret"}, ("names", "must be a list")),
        ({"names": {"a": 1}}, ("names", "must be a list")),
        ({"items": "secret"}, ("items", "must be a list")),
        ({"table": "secret"}, ("table", "must be a mapping of keys to values")),
        ({"part": "secret"}, ("part", "must be a mapping of keys to values")),
        ({"colour": "secret"}, ("colour", "must be 'red' or 'blue'")),
        ({"shape": {"kind": "secret"}}, ("shape", "kind must be 'square' or 'circle'")),
        ({"shape": {}}, ("shape", "kind is missing")),
        ({"day": "secret"}, ("day", "must be a date or time, such as 2027-01-15 or 2027-01-15T22:00:00Z")),
        ({"at": "2027-01-15T22:00:00"}, ("at", "needs an offset, such as 2027-01-15T22:00:00Z")),
        ({"form": "secret"}, ("form", "must be OWNER/NAME")),
        ({"form": "a/b\n"}, ("form", "must be OWNER/NAME")),
        ({"pattern": "SECRET"}, ("pattern", "must have the form ^[a-z]+$")),
        ({"other": "secret"}, ("other", "unknown key")),
    ],
)
def test_each_mistake_is_described_in_words_without_the_value(values: dict[str, Any], problem: tuple[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(values)
    assert first_problem(caught.value) == problem
    assert "secret" not in problem[1].lower()


def test_what_is_not_json_has_no_path() -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate_json(b"{")
    assert first_problem(caught.value) == ("", "is not JSON")
