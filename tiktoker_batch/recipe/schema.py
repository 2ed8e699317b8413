"""The JSON Schema's verdict on a recipe, in a writer's words and at the place of each fault."""

import difflib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tiktoker_batch.errors import Problem
from tiktoker_batch.recipe import wording
from tiktoker_batch.recipe.nodes import Spot
from tiktoker_batch.recipe.source import Source, plain
from tiktoker_batch.recipe.suggest import did_you_mean, listed
from tiktoker_batch.remarks import FEW_ROWS
from tiktoker_batch.resources import read_resource

Path = tuple[str | int, ...]

FEW_KEYS = 6  # so many are listed where none is near

_ENTRIES = {"videos": "video", "profiles": "profile"}


# Where a key stands, what has such a key, and where that is.
_PLACES = (
    ({"top"}, "defaults", "under 'defaults' or in a video"),
    ({"profile"}, "defaults", "under the profile's 'defaults'"),
    ({"top", "defaults"}, "video", "in a video"),
    ({"video", "defaults", "profile"}, "top", "at the top of the recipe"),
    ({"top", "defaults", "profile"}, "entry", "in an entry of 'videos'"),
)


def referred(ref: str) -> dict[str, Any]:
    """The part of the schema that a ``$ref`` names."""
    found: dict[str, Any] = recipe_schema()["$defs"][ref.removeprefix("#/$defs/")]
    return found


@cache
def recipe_schema() -> dict[str, Any]:
    """The published schema of recipes."""
    schema: dict[str, Any] = json.loads(read_resource("schemas", "recipe.schema.json"))
    return schema


def check_schema(source: Source, guessed: frozenset[Spot] = frozenset()) -> tuple[list[Problem], Any]:
    """The problems, and the data without the values they are about: what is left can be checked further.

    ``guessed`` are the places of keys that may have been meant otherwise; of what stands under them nothing is said.
    """
    problems: list[Problem] = []
    misnamed: set[Path] = set()
    said: dict[Spot, set[str]] = {}
    sound = plain(source.root)
    for error in _leaves(_validator().iter_errors(source.data)):
        for path, message, at_key in _faults(error):
            if any(path[:length] in misnamed for length in range(1, len(path) + 1)):
                continue  # what stands under a wrong name was never meant for that place
            if guessed and any(source.locate(path[:length], key=True) in guessed for length in range(1, len(path) + 1)):
                _prune(sound, path, error)
                continue
            if _is_about_a_name(error):
                misnamed.add(path)
            told = said.setdefault(source.locate(path, key=at_key), set())
            if message not in told and not (source.origin(path) and len(told) >= FEW_ROWS):
                told.add(message)
                problems.append(source.problem(path, message, key=at_key))
            _prune(sound, path, error)
    return problems, sound


@cache
def _validator() -> Draft202012Validator:
    # What stands in included files is there by now, so everything that a recipe needs must be.
    whole = {key: value for key, value in recipe_schema().items() if key not in {"if", "then", "else"}}
    return Draft202012Validator(_inlined({**whole, **recipe_schema()["else"]}, recipe_schema()["$defs"]))


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema with every reference replaced by what it names: looking them up took half of the time."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: _inlined(value, definitions) for key, value in schema.items() if key not in {"$ref", "$defs"}}
    reference = schema.get("$ref")
    if reference is None:
        return own
    return {**_inlined(definitions[reference.removeprefix("#/$defs/")], definitions), **own}


def _leaves(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """Errors with every choice between shapes resolved to the shape that was meant."""
    for error in errors:
        is_choice = (
            error.validator == "oneOf" and not _is_choice_of_keys(error) and not wording.is_text_with_colon(error)
        )
        meant = _meant(error) if is_choice else []
        yield from _leaves(meant) if meant else (error,)


def _meant(error: ValidationError) -> list[ValidationError]:
    """The errors of the branch whose type fits the value; none when no branch's does."""
    branches: dict[Any, list[ValidationError]] = {}
    for each in error.context or ():
        branches.setdefault(each.schema_path[0], []).append(each)
    for branch in branches.values():
        if not any(each.validator in {"type", "const"} and not each.path for each in branch):
            return branch
    return []


def _is_choice_of_keys(error: ValidationError) -> bool:
    branches: Any = error.validator_value
    return all(branch.keys() == {"required"} for branch in branches)


def _is_about_a_name(error: ValidationError) -> bool:
    return "propertyNames" in error.schema_path


def _faults(error: ValidationError) -> Iterator[tuple[Path, str, bool]]:
    """(where, what, whether the key itself is meant) of each fault that an error stands for."""
    path: Path = tuple(error.absolute_path)
    value: Any = error.instance
    match error.validator:
        case "additionalProperties":
            known: dict[str, Any] = cast("dict[str, Any]", error.schema)["properties"]
            for name in value:
                if name not in known and not name.startswith("x-"):
                    yield (*path, name), unknown_key(path, name, known), True
        case "uniqueItems":
            for index, item in enumerate(value):
                if item in value[:index]:
                    yield (*path, index), f"{wording.show(item)} is listed twice; remove one of them", False
        case "oneOf" if _is_choice_of_keys(error):
            if isinstance(value, dict):
                yield _choice_of_keys(path, error)
        case _ if _is_about_a_name(error):
            yield (*path, str(value)), wording.message(path, error), True
        case _:
            yield path, wording.message(path, error), False


def _choice_of_keys(path: Path, error: ValidationError) -> tuple[Path, str, bool]:
    branches: Any = error.validator_value
    video: Any = error.instance
    keys = [branch["required"][0] for branch in branches]
    given = [key for key in video if key in keys]
    expected = f"a video needs exactly one of {listed(map(repr, keys), 'and')}"
    if not given:
        return path, f"{expected}; it has none", False
    return (*path, given[1]), f"{expected}; given are {listed(map(repr, given), 'and')}", True


def unknown_key(path: Path, name: str, known: Collection[str]) -> str:
    """What is wrong with a key that the mapping at a path does not have."""
    near = belongs_elsewhere(path, name) or _glued(name, known) or did_you_mean(name, known)
    few = f" (there are: {', '.join(known)})" if len(known) <= FEW_KEYS else "; 'tiktoker-batch schema' lists them all"
    return f"unknown key {name!r}{near or few}"


def _glued(name: str, known: Collection[str]) -> str:
    """What to do where a key and its value are written as one."""
    key = glued_key(name, known)
    return f"; write ': ' after {key!r}" if key else ""


def glued_key(name: str, known: Collection[str]) -> str | None:
    """The key that a name begins with, where ``:`` and a space are missing after it."""
    key = re.split(r"[:\s]", name, maxsplit=1)[0]
    return key if key != name and key in known else None


def _where(path: Path) -> str:
    if not path:
        return "top"
    if path[0] in _ENTRIES and len(path) == 2:
        return _ENTRIES[str(path[0])]
    return str(path[-1])


def belongs_elsewhere(path: Path, name: str) -> str:
    """Where a key that is right elsewhere should stand, or nothing."""
    where = _where(path)
    if where == "publish" and name == "at":
        return " here; every video has its own"
    for at, of, place in _PLACES:
        if where in at and name in _beside(of):
            return f" here; it belongs {place}"
    return _belongs_below(where, name)


def _belongs_below(where: str, name: str) -> str:
    """The only mapping beside a key in which the key would be right."""
    if where not in {"top", "defaults", "video"}:
        return ""
    beside = _beside(where)
    below = [each for each, schema in beside.items() if name in _keys_of(schema)]
    # What is nearly right may have been meant for this place: 'caption' is more like 'captions' than like a post.
    is_near = difflib.get_close_matches(name, beside, n=1, cutoff=0.9)
    return f" here; it belongs under {below[0]!r}" if len(below) == 1 and not is_near else ""


@cache
def _beside(where: str) -> dict[str, Any]:
    schema = recipe_schema()
    mapping = schema if where == "top" else schema["$defs"][where]
    properties: dict[str, Any] = _inlined(mapping["properties"], schema["$defs"])
    return properties


def _keys_of(schema: dict[str, Any]) -> Iterator[str]:
    for each in (schema, *schema.get("oneOf", ())):
        if each.get("additionalProperties") is False:
            yield from each["properties"]


def _prune(data: Any, path: Path, error: ValidationError) -> None:
    """Take a faulty value out: the nearest key that holds it, but of the videos only the one."""
    if error.validator == "required" or (error.validator == "oneOf" and _is_choice_of_keys(error)):
        return
    holders = [data]
    for step in path[:-1]:
        child = holders[-1][step] if step in holders[-1] or isinstance(step, int) else None
        if not isinstance(child, dict | list):
            return  # an earlier fault took it already
        holders.append(child)
    for holder, step in zip(reversed(holders), reversed(path), strict=False):
        if isinstance(holder, dict):
            holder.pop(step, None)
            return
        if holder is data.get("videos"):
            holder[int(step)] = None
            return
