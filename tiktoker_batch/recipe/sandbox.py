"""Where the writers of recipes run Jinja: it cannot reach out, and gives the same every time."""

import re
from collections.abc import Sized
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tiktoker_batch.recipe.suggest import did_you_mean

_STATEMENTS = ("if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro", "filter", "with")
_MOST_BITS = 10_000
_MOST_ITEMS = 1_000_000
_OPEN = ("unexpected '}'", "expected 'end of print statement'", "expected 'end of statement block'")


class _Bounded(ImmutableSandboxedEnvironment):
    """Refuses powers and repetitions that would fill the memory, or never end."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        """Multiply or raise, within bounds."""
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() * max(right, 0) > _MOST_BITS:
                raise OverflowError("this power is too large")
        elif operator == "*":
            for many, count in ((left, right), (right, left)):
                if isinstance(many, Sized) and isinstance(count, int) and len(many) * count > _MOST_ITEMS:
                    raise OverflowError("this repeats too much")
        return super().call_binop(context, operator, left, right)


def sandbox(undefined: type[jinja2.StrictUndefined], *, trims_blocks: bool = False) -> ImmutableSandboxedEnvironment:
    """An environment without what is random; ``undefined`` words what is asked for and is not there."""
    environment = _Bounded(undefined=undefined, trim_blocks=trims_blocks, lstrip_blocks=trims_blocks)
    del environment.globals["lipsum"], environment.filters["random"]
    return environment


def syntax_fault(error: jinja2.TemplateError, environment: jinja2.Environment) -> str:
    """What Jinja says is wrong with a text, and what to do about it."""
    said = (error.message or "this is not valid").rstrip(".")
    unclosed = re.search(r"innermost block that needs to be closed is '(\w+)", said)
    if unclosed:
        return f"'{{% {unclosed[1]} %}}' is never closed; write '{{% end{unclosed[1]} %}}' where it ends"
    unknown = re.search(r"(filter|test|tag) (?:named )?'(\w+)'", said)
    if unknown:
        known = {"filter": environment.filters, "test": environment.tests, "tag": _STATEMENTS}[unknown[1]]
        noun = "statement" if unknown[1] == "tag" else unknown[1]
        return f"there is no {noun} {unknown[2]!r}{did_you_mean(unknown[2], known)}"
    if any(each in said for each in _OPEN):
        return f"{said}; close '{{{{' with '}}}}' and '{{%' with '%}}'"
    return said
