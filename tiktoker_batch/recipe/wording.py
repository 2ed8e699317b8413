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
        case "type":
            return _wrong_type(wanted, value)
        case "oneOf":
            return f"expected {_shapes(error)}, got {_named(value)}"
        case "enum":
            return _not_in(wanted, value)
        case "const":
            return f"this version of tiktoker-batch reads recipes of version {show(wanted)}, not {show(value)}"
        case "pattern":
            return f"{schema.get('patternErrorMessage', f'does not match {wanted}')}{_but(value)}"
        case "required":
            missing = next(key for key in wanted if key not in value and f"'{key}'" in error.message)
            return f"the key {missing!r} is missing"
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
    if wanted in {"number", "integer"} and isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return f"{said}; write it without quotes"
    seconds = re.fullmatch(r"(\d+(?:\.\d+)?) ?s(?:ec(?:onds?)?)?", value) if isinstance(value, str) else None
    return f"{said}; write {seconds[1]}" if seconds and wanted in {"number", "integer"} else said


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
