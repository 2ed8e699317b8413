"""Jinja in the strings of entries: sandboxed, strict, and the same every time."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

import jinja2
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tiktoker_batch.recipe.sandbox import counted, metered, sandbox
from tiktoker_batch.recipe.suggest import did_you_mean

_SINGLE = re.compile(r"\s*\{\{((?:(?!\}\}|\{\{).)*)\}\}\s*", re.DOTALL)


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
                return program.render(names)
            kept: list[Any] = []
            program.render({**names, "_kept": kept})
            return kept[0]
    except jinja2.UndefinedError as error:
        said = str(error.message)
        name = re.fullmatch(r"'(\w+)' is undefined", said)
        more = f"{did_you_mean(name[1], names)} (there are: {', '.join(names)})" if name else ""
        raise ExpressionFault(f"{said}{more}") from None
    except jinja2.TemplateSyntaxError as error:
        raise ExpressionFault(f"not a valid expression: {error.message}") from None
    except Exception as error:  # an expression is its writer's program: whatever it does wrong is theirs to mend
        raise ExpressionFault(f"this expression cannot be evaluated: {error}") from None


@lru_cache(maxsize=1024)
def _compiled(text: str) -> tuple[jinja2.Template, bool]:
    single = _SINGLE.fullmatch(text)
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
    return date.fromisoformat(text) if len(text) <= len("2027-03-15") else datetime.fromisoformat(text)


def add_days(of: str | date, count: int | str) -> date:
    """So many days later."""
    return day(of) + timedelta(days=int(count))


def strftime(of: str | date, form: str) -> str:
    """A day in another form, as Python's strftime writes it."""
    return day(of).strftime(form)


def choice(items: Sequence[Any], seed: Any) -> Any:
    """One of the items, always the same for the same seed (a row's id, or ``index``)."""
    number = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "big")
    return items[number % len(items)]
