"""Jinja in the strings of entries: sandboxed, strict, and the same every time."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

import jinja2
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tiktoker_batch.recipe.compose import MAX_DEPTH
from tiktoker_batch.recipe.sandbox import counted, metered, output, sandbox, syntax_fault
from tiktoker_batch.recipe.scalars import MAX_INTEGER
from tiktoker_batch.recipe.suggest import did_you_mean

_SINGLE = re.compile(r"\s*\{\{((?:(?!\}\}|\{\{).)*)\}\}\s*", re.DOTALL)


_KEPT = (str, int, float, date, type(None))


class ExpressionFault(Exception):
    """What is wrong with an expression, in words."""


def is_expression(text: str) -> bool:
    """Whether a string holds anything for Jinja."""
    return "{{" in text or "{%" in text


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """A string with its expressions replaced; one that is a single expression keeps the expression's type.

    :raises ExpressionFault: it is not valid, or uses what is not there.
    """
    try:
        program, single = _compiled(text)
        with metered():
            if not single:
                return output(program, names)
            kept: list[Any] = []
            output(program, {**names, "_kept": kept})
            return _usable(kept[0])
    except ExpressionFault:
        raise
    except jinja2.UndefinedError as error:
        said = str(error.message)
        name = re.fullmatch(r"'(\w+)' is undefined", said)
        near = did_you_mean(name[1], names) if name and name[1] != "row" else "; it comes with 'foreach'"
        more = f"{near} (there are: {', '.join(names)})" if name else ""
        raise ExpressionFault(f"{said}{more}") from None
    except jinja2.TemplateSyntaxError as error:
        raise ExpressionFault(f"not a valid expression: {syntax_fault(error, _environment())}") from None
    except jinja2.exceptions.TemplateRuntimeError as error:  # a test that is not there is found only where it is asked
        raise ExpressionFault(f"this expression cannot be evaluated: {syntax_fault(error, _environment())}") from None
    except Exception as error:  # an expression is its writer's program: whatever it does wrong is theirs to mend
        raise ExpressionFault(f"this expression cannot be evaluated: {error}{_advice(str(error))}") from None


def _advice(said: str) -> str:
    return "; '~' joins texts and numbers" if "concatenate str" in said else ""


def _usable(value: Any, depth: int = MAX_DEPTH) -> Any:
    """What an expression gave, if a recipe can hold it.

    :raises ExpressionFault: it cannot.
    """
    if isinstance(value, Mapping) and depth:
        return {str(key): _usable(each, depth - 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [_usable(each, depth - 1) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionFault("this expression gives a number that is not finite; expected one that is")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise ExpressionFault(f"this expression gives a number that is too large; expected at most {MAX_INTEGER}")
    if not isinstance(value, _KEPT):
        kind = "a function" if callable(value) else f"a value of type {type(value).__name__}"
        raise ExpressionFault(f"this expression gives {kind}; expected text, a number, a list or a mapping")
    return value


@lru_cache(maxsize=1024)
def _compiled(text: str) -> tuple[jinja2.Template, bool]:
    single = _SINGLE.fullmatch(text)
    if single and not single[1].strip():
        raise ExpressionFault("this expression is empty; expected a name, a text or a number in {{ }}")
    if single:
        return _environment().from_string("{{ (" + single[1] + ") | _keep }}"), True
    return _environment().from_string(text), False


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = sandbox()
    environment.filters |= {"_keep": _keep, "add_days": add_days, "strftime": strftime}
    environment.globals |= {"choice": choice, "date": day}
    return environment


@jinja2.pass_context
def _keep(context: Context, value: Any) -> str:
    """A value before it becomes text."""
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises
    context["_kept"].append(counted(value))
    return ""


def day(text: str | date) -> date:
    """A day or moment from its ISO form."""
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text) if len(text) <= len("2027-03-15") else datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"expected a day like 2027-03-15, got {str(text)[:40]!r}") from None


def add_days(of: str | date, count: int | str) -> date:
    """So many days later."""
    return day(of) + timedelta(days=int(count))


def strftime(of: str | date, form: str) -> str:
    """A day in another form, as Python's strftime writes it."""
    return day(of).strftime(form)


def choice(items: Sequence[Any], seed: Any) -> Any:
    """One of the items, always the same for the same seed (a row's id, or ``index``)."""
    if not items:
        raise ValueError("choice: the list is empty; expected at least one item")
    number = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "big")
    return items[number % len(items)]
