"""What a schema error means to somebody who writes recipes."""

import re
from typing import Any, cast

from jsonschema.exceptions import ValidationError

from tiktoker_batch.recipe.suggest import listed, nearest

_EXPECTED = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys",
}


_UNITS = {"m": 60, "min": 60, "minute": 60, "minutes": 60, "h": 3600, "hour": 3600, "hours": 3600}
_WITH_UNIT = re.compile(r"[$€]?\s*(-?\d+(?:[.,]\d+)?)\s*(s|secs?|seconds?|m|min|minutes?|h|hours?|dB|fps|USD|\$|€)?")
_CLOCK = re.compile(r"(\d+):([0-5]\d)")
_WORDS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}


def message(path: tuple[str | int, ...], error: ValidationError) -> str:
    """One sentence about one fault; names the key it is about."""
    subject = next((step for step in reversed(path) if isinstance(step, str)), "the recipe")
    return f"{subject}: {_said(error)}"


def show(value: Any) -> str:
    """A value as a message shows it, shortened."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "nothing"
        case str():
            return repr(value if len(value) <= 60 else value[:57] + "...")
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return f"{value}"


def _said(error: ValidationError) -> str:  # noqa: PLR0911  (one line for each keyword)
    value, wanted, schema = cast("tuple[Any, Any, Any]", (error.instance, error.validator_value, error.schema))
    match error.validator:
        case "type" if wanted == "string" and isinstance(value, int | float) and "patternErrorMessage" in schema:
            is_right = re.search(schema["pattern"], str(value))
            return _wrong_type(wanted, value) if is_right else f"{schema['patternErrorMessage']}, got {_named(value)}"
        case "type":
            return _wrong_type(wanted, value)
        case "oneOf":
            return f"expected {_shapes(error)}, got {_named(value)}{_other_shape(error)}"
        case "enum":
            return _not_in(wanted, value)
        case "const":
            return (
                f"this version of tiktoker-batch reads recipes of version {show(wanted)}, not {_version(value, wanted)}"
            )
        case "pattern":
            return f"{schema.get('patternErrorMessage', f'does not match {wanted}')}{_but(value)}"
        case "required":
            missing = next(key for key in wanted if key not in value and f"'{key}'" in error.message)
            return f"the key {missing!r} is missing{_like(missing, schema)}"
        case "minItems":
            return "at least one is needed" if wanted == 1 else f"expected at least {wanted}, got {len(value)}"
        case "maxItems":
            return f"at most {wanted} are possible, got {len(value)}"
        case "maxLength":
            return f"at most {wanted} characters are possible, got {len(value)}"
        case "minimum" | "maximum" | "exclusiveMinimum":
            return f"{_range(schema)}, got {show(value)}"
        case _:
            return error.message


def _wrong_type(wanted: str, value: Any) -> str:
    said = f"expected {_EXPECTED[wanted]}, got {_named(value)}"
    if wanted == "string" and isinstance(value, int | float):
        return f"{said}; put it in quotes"
    return f"{said}{_rewritten(wanted, value)}" if isinstance(value, str) else said


def _rewritten(wanted: str, value: str) -> str:
    """How to write a text that says what is wanted in another way, or nothing."""
    if wanted == "array" and value.startswith("-"):
        return "; a space is missing after '-'"
    if wanted == "array":
        return f"; write [{value}]" if re.fullmatch(r"[\w.-]+", value) else "; put its items into [ ]"
    if wanted == "boolean" and value.casefold() in {"true", "false"}:
        return "; write it without quotes"
    if wanted == "boolean":
        meant = _WORDS.get(value.casefold())
        return f"; write {meant}" if meant else ""
    return _number_meant(value) if wanted in {"number", "integer"} else ""


def _number_meant(value: str) -> str:
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "; write it without quotes"
    clock, measured = _CLOCK.fullmatch(value), _WITH_UNIT.fullmatch(value)
    if clock:
        return f"; write {int(clock[1]) * 60 + int(clock[2])}"
    if measured:
        number = float(measured[1].replace(",", ".")) * _UNITS.get(measured[2] or "", 1)
        return f"; write {number:.12g}"
    return ""


def is_text_with_colon(error: ValidationError) -> bool:
    """Whether a mapping stands where text may, and none of its keys is one of ours: most likely it was to be text."""
    value, branches = error.instance, cast("Any", error.validator_value)
    if error.validator != "oneOf" or not isinstance(value, dict) or len(value) != 1:
        return False
    takes_text = any(branch.get("type") == "string" for branch in branches)
    known = [key for branch in branches for key in branch.get("properties", ())]
    (key,) = value
    return takes_text and not key.startswith("x-") and not (key in known or nearest(key, known))


def _other_shape(error: ValidationError) -> str:
    """How to write a value so that it has one of the shapes that are possible."""
    value, branches = error.instance, cast("Any", error.validator_value)
    if is_text_with_colon(error):
        return "; put text with ': ' in quotes"
    if not isinstance(value, str):
        return ""
    word = _WORDS.get(value.casefold())
    takes_word = any(branch.get("type") == "boolean" or show(branch.get("const")) == word for branch in branches)
    if word and takes_word:
        return f"; write {word}"
    for key, schema in [each for branch in branches for each in branch.get("properties", {}).items()]:
        if value in schema.get("enum", ()) or key == "file":
            return f"; write {{{key}: {value}}}"
    return ""


def _version(value: Any, wanted: Any) -> str:
    if isinstance(value, int) and value > wanted:
        return f"{value}; a newer one may read it"
    return f"{show(value)}; write 'version: {wanted}'"


def _like(key: str, schema: dict[str, Any]) -> str:
    """What a missing key looks like."""
    wanted = schema["properties"].get(key, {})
    examples = [wanted["const"]] if "const" in wanted else wanted.get("examples", [])
    if examples and not isinstance(examples[0], list | dict):
        return f"; add one, like '{key}: {examples[0]}'"
    return f"; it holds {_EXPECTED[wanted['type']]}" if wanted.get("type") in _EXPECTED else ""


def _shapes(error: ValidationError) -> str:
    roots = [each for each in error.context or () if not each.path]
    return listed(
        dict.fromkeys(
            _EXPECTED[str(each.validator_value)] if each.validator == "type" else show(each.validator_value)
            for each in roots
            if each.validator in {"type", "const"}
        )
    )


def _not_in(allowed: list[Any], value: Any) -> str:
    choices = listed(map(str, allowed))
    if not isinstance(value, str):
        return f"expected {choices}, got {_named(value)}"
    near = nearest(value, map(str, allowed))
    # 480p looks like 1080p, but nobody means one by the other; 9:61 may well be 9:16.
    meant = near is not None and sorted(re.findall(r"\d", near)) == sorted(re.findall(r"\d", value))
    return f"{show(value)} is not one of {choices}{f'; did you mean {near!r}?' if meant else ''}"


def _range(schema: dict[str, Any]) -> str:
    low = schema.get("minimum")
    above = schema.get("exclusiveMinimum")
    high = schema.get("maximum")
    least = f"at least {low:g}" if low is not None else f"more than {above:g}"
    return f"must be {least}" + (f" and at most {high:g}" if high is not None else "")


def _but(value: Any) -> str:
    return f", got {show(value)}" if str(value).strip() else ""


def _named(value: Any) -> str:
    match value:
        case bool():
            return show(value)
        case int() | float():
            return f"a number ({value})"
        case str():
            return f"text ({show(value)})"
        case _:
            return show(value)
