"""Validates values against a model, with messages that say how to fix a problem. Values are never quoted."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nervesys.contract.validation import describe_error
from nervesys.settings.yaml import Path, leaves

Model = TypeVar("Model", bound=BaseModel)
Problem = tuple[Path, str]
MISSPELT = 0.8
"""Least similarity of a misspelt word; `agnet` and `agent` have 0.8, `notes` and `model` 0.4."""
NO_NUMBER = "a number is expected; YAML reads yes, no, on and off as true and false"


def check(model: type[Model], values: Mapping[str, Any]) -> tuple[Model | None, list[Problem]]:
    """The model made from these values; or None, with the path and message of every problem."""
    switches = [path for path, value in leaves(values) if _is_misplaced(model, path, value)]
    wrong = [(path, NO_NUMBER) for path in switches]
    try:
        found = model.model_validate(values)
    except ValidationError as err:
        return None, wrong + [
            (path, _message(model, path, error))
            for error in err.errors(include_url=False, include_input=False)
            for path in [tuple(map(str, error["loc"]))]
            if path not in switches
        ]
    return (None, wrong) if wrong else (found, [])


def _is_misplaced(model: type[BaseModel], path: Path, value: object) -> bool:
    """Whether a switch stands where a number is expected; pydantic would take it for 1 or 0."""
    if not isinstance(value, bool):
        return False
    kinds = set(_scalars(_annotation(model, path)))
    return bool not in kinds and not kinds.isdisjoint({int, float})


def _annotation(model: type[BaseModel], path: Path) -> Any:
    """The type of the field at a path; None if it is not known."""
    annotation: Any = model
    for key in path:
        below = next(_models(annotation), None)
        if get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        elif below is None or key not in below.model_fields:
            return None
        else:
            annotation = below.model_fields[key].annotation
    return annotation


def _scalars(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _scalars(part)


def has_field(model: type[BaseModel], path: Path) -> bool:
    """Whether a path names a field of a model."""
    keys = iter(path)
    for key in keys:
        field = model.model_fields.get(key)
        if field is None:
            return False
        if get_origin(field.annotation) is dict:
            next(keys, None)  # any name
        below = next(_models(field.annotation), None)
        if below is None:
            return True
        model = below
    return True


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint: the most similar valid word, or all valid words if none is similar."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The valid word that a misspelt one must have been meant as; None if it may as well be something else."""
    return next(iter(get_close_matches(word.lower(), sorted(known), n=1, cutoff=MISSPELT)), None)


def _message(model: type[BaseModel], path: Path, error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return f"unknown key; {suggest(path[-1], keys_at(model, path[:-1]))}"
    return describe_error(error)


def keys_at(model: type[BaseModel], path: Path) -> set[str]:
    """The keys that are valid at a path; list indexes and free keys of mappings are skipped."""
    models = [model]
    for key in path:
        below = [
            inner
            for outer in models
            if key in outer.model_fields
            for inner in _models(outer.model_fields[key].annotation)
        ]
        models = below or models
    return {key for model in models for key in model.model_fields}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type annotation such as `Model`, `Model | None` or `list[Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
