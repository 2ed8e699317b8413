"""Where the writers of recipes run Jinja: it cannot reach out, gives the same every time, and comes to an end soon.

Whatever an expression or a template makes is counted before it is made: characters, items, turns of loops. Python
itself would rather fill the memory: ``'x' * 10**9``, ``9**9**9``, two loops over ``range(99999)``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, cast

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from tiktoker_batch.recipe.suggest import did_you_mean

MOST = 1_000_000
MOST_DIGITS = 1_000

_STATEMENTS = ("if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro", "filter", "with")
_OPEN = ("unexpected '}'", "expected 'end of print statement'", "expected 'end of statement block'")

_MOST_BITS = MOST_DIGITS * 10 // 3
_WIDTHS = frozenset({"ljust", "rjust", "center", "zfill", "to_bytes"})
_PRECISION = 100
_A_CALL = 10  # as much as it takes longer than a turn of a loop
# A width or precision of five digits or more, or one that comes from elsewhere.
_WIDE_PERCENT = re.compile(r"%(?:\([^)]*\))?[-+ #0]*(?:\d*\.)?(?:\d{5}|\*)")
_WIDE_BRACES = re.compile(r"\{[^{}]*:[^{}]*(?:\d{5}|\{)")


class TooMuch(Exception):
    """What is asked for is more than a recipe can need."""

    def __init__(self, what: str = f"{MOST:,} characters, items or turns of loops") -> None:
        super().__init__(f"it makes more than {what}")


class _Meter:
    """What may still be made."""

    def __init__(self) -> None:
        self.left = MOST


_METER: ContextVar[_Meter | None] = ContextVar("_METER", default=None)


@contextmanager
def metered() -> Iterator[None]:
    """Everything that is made herein counts together.

    :raises TooMuch: before it is made.
    """
    token = _METER.set(_Meter())
    try:
        yield
    finally:
        _METER.reset(token)


def sandbox(*, trims_blocks: bool = False) -> ImmutableSandboxedEnvironment:
    """An environment without what is random; what is made in it is to be :func:`metered`."""
    environment = _Sandbox(undefined=_Undefined, trim_blocks=trims_blocks, lstrip_blocks=trims_blocks, finalize=counted)
    del environment.globals["lipsum"], environment.filters["random"]
    environment.filters = {name: _metered_filter(name, each) for name, each in environment.filters.items()}
    environment.filters |= {"_each": _each, "_joined": _joined}
    return environment


def output(program: jinja2.Template, names: Mapping[str, Any]) -> str:
    """As Jinja's own ``render``, which copies what is known everywhere a name at a time, and knows lines of faults."""
    context = program.new_context({**program.environment.globals, **names}, shared=True)
    return program.environment.concat(program.root_render_func(context))


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


class _Undefined(jinja2.StrictUndefined):
    """Names the nearest key, column or attribute of what was asked."""

    @property
    def _undefined_message(self) -> str:
        owner, name = self._undefined_obj, self._undefined_name
        if self._undefined_hint:
            return self._undefined_hint
        if owner is jinja2.utils.missing:
            return f"{name!r} is undefined"
        known = [str(key) for key in owner] if isinstance(owner, Mapping) else getattr(type(owner), "__slots__", ())
        near = did_you_mean(str(name), known)
        return f"{name!r} is undefined{near} (there are: {', '.join(known) or 'none'})"


class _Sandbox(ImmutableSandboxedEnvironment):
    """Sees every operator, call, loop and piece of text that could make much."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        """Pieces of output as one text; the pieces of a loop may be many."""
        meter = _METER.get()
        made, size, most = [], 0, meter.left if meter else MOST
        for piece in pieces:
            size += len(piece)
            if size > most:
                raise TooMuch
            made.append(piece)
        _take(size)
        return "".join(made)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """An operator whose result may be large."""
        _OPERATORS[operator](left, right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """A call; methods of text and numbers can make much of little."""
        inner = getattr(__obj, "__wrapped__", __obj)
        owner, name = getattr(inner, "__self__", None), getattr(inner, "__name__", "")
        if name == "join" and isinstance(owner, str | bytes) and args:
            args = (list(_items(args[0])), *args[1:])
        _take(_A_CALL + _size(args) + _size(kwargs))
        if isinstance(owner, str | bytes | int):
            _take(_of_method(owner, name, args, [*args, *kwargs.values()]))
        return super().call(__context, __obj, *args, **kwargs)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        return super()._generate(_Counting().visit(source), name, filename, defer_init)


class _Counting(NodeTransformer):
    """Loops take their items through a counter, and ``~`` joins through one."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  (Jinja's name)
        self.generic_visit(node)
        node.iter = _filtered(node.iter, "_each")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno, environment=node.environment), "_joined")


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(
        cast("nodes.Expr", node), name, [], [], None, None, lineno=node.lineno, environment=node.environment
    )


# ---------------------------------------------------------------------- counting


def _take(amount: int) -> None:
    meter = _METER.get()
    if meter is None:  # compiling: constants are looked at, and nothing is kept
        meter = _Meter()
    if amount > meter.left:  # not made, so not counted: constants are asked for once more when it is rendered
        raise TooMuch
    meter.left -= amount


def _size(value: Any) -> int:
    """How much a value is when it is written out; what stands in it twice counts twice."""
    if not value and isinstance(value, tuple | dict):  # of most calls: no arguments by name
        return 0
    total, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str | bytes | range | list | tuple | dict | set | frozenset):
            total += len(each)
            if total > MOST:
                raise TooMuch
            if isinstance(each, dict):
                waiting += each.keys()
                waiting += each.values()
            elif isinstance(each, list | tuple | set | frozenset):
                waiting += each
    return total


def counted(value: Any) -> Any:
    """A value as it is, counted as what it is when it is written out."""
    _take(len(value) if isinstance(value, str) else _size(value))
    return value


def _items(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        _take(1)
        yield value


@jinja2.pass_context  # so that nothing is looped over while a template is compiled
def _each(_context: Context, values: Iterable[Any]) -> Iterator[Any]:
    return _items(values)


def _joined(values: list[Any]) -> str:
    return "".join(map(str, counted(values)))


def _metered_filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    own = _FILTERS.get(name)
    # What Jinja hands over itself (environment, context) comes first and is none of the writer's.
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if name == "join":  # of a generator nobody knows how much it is
            args = (*args[:first], list(_items(args[first])), *args[first + 1 :])
        given = args[first:]
        _take(1 + _size(given) + _size(kwargs))
        if own:
            _take(own(*given, **kwargs))
        return function(*args, **kwargs)

    return called


# ---------------------------------------------------------------------- what operators make


def _plus(left: Any, right: Any) -> None:
    if isinstance(left, str | bytes | list | tuple):
        _take(_size(left) + _size(right))


def _times(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
    elif isinstance(right, int):
        _take(_size(left) * max(right, 0))
    elif isinstance(left, int):
        _take(_size(right) * max(left, 0))


def _power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and abs(left) > 1:
        _check_bits(left.bit_length() * right)


def _percent(left: Any, right: Any) -> None:
    if isinstance(left, str | bytes):
        _take(_of_percent(left, right))


_OPERATORS: Mapping[str, Callable[[Any, Any], None]] = {"+": _plus, "*": _times, "**": _power, "%": _percent}


def _check_bits(bits: int) -> None:
    if bits > _MOST_BITS:
        raise TooMuch(f"{MOST_DIGITS:,} digits of a number")


def _of_percent(form: str | bytes, *given: Any) -> int:
    text = form if isinstance(form, str) else form.decode("latin-1")
    if _WIDE_PERCENT.search(text):
        raise TooMuch
    return len(text) + text.count("%") * _size(given)


# ---------------------------------------------------------------------- what methods and filters make


def _of_method(owner: str | bytes | int, name: str, args: Sequence[Any], given: Sequence[Any]) -> int:
    """The most that a method of text or of a number can make; ``given`` are all its arguments."""
    if name in _WIDTHS:
        return sum(abs(each) for each in given if isinstance(each, int))
    if isinstance(owner, int):
        return 0
    if isinstance(owner, str) and name in {"format", "format_map"}:
        return _of_braces(owner, given)
    own = _METHODS.get(name)
    return len(owner) + (own(owner, args, given) if own else 0)


def _of_braces(form: str, given: Sequence[Any]) -> int:
    if _WIDE_BRACES.search(form):
        raise TooMuch
    return len(form) + form.count("{") * _size(given)


def _of_tabs(owner: str | bytes, _args: Sequence[Any], given: Sequence[Any]) -> int:
    return len(owner) * max((each for each in given if isinstance(each, int)), default=8)


def _of_replacing(owner: Any, args: Sequence[Any], _given: Sequence[Any]) -> int:
    old, new = [*args, "", ""][:2]
    return (owner.count(old) if old else len(owner) + 1) * len(new)


def _of_joining(owner: str | bytes, args: Sequence[Any], _given: Sequence[Any]) -> int:
    return len(owner) * len(args[0]) if args else 0


def _of_translating(owner: str | bytes, args: Sequence[Any], _given: Sequence[Any]) -> int:
    return len(owner) * _size(args)


_METHODS: Mapping[str, Callable[[str | bytes, Sequence[Any], Sequence[Any]], int]] = {
    "expandtabs": _of_tabs,
    "join": _of_joining,
    "replace": _of_replacing,
    "translate": _of_translating,
}


def _of_width(_value: Any, width: Any = 80, *_args: Any, **kwargs: Any) -> int:
    return abs(int(kwargs.get("width", width)))


def _of_indent(value: Any, width: Any = 4, *_args: Any, **kwargs: Any) -> int:
    width = kwargs.get("width", width)
    each = len(width) if isinstance(width, str) else abs(int(width))
    return (str(value).count("\n") + 1) * each


def _of_number(_value: Any, count: Any = 0, *_args: Any, **kwargs: Any) -> int:
    return abs(int(kwargs.get("linecount", kwargs.get("slices", count))))


def _of_round(_value: Any, precision: Any = 0, *_args: Any, **kwargs: Any) -> int:
    if abs(int(kwargs.get("precision", precision))) > _PRECISION:
        raise TooMuch(f"{_PRECISION} places")
    return 0


def _of_replace(value: Any, old: Any, new: Any, *_args: Any) -> int:
    text, sought = str(value), str(old)
    return (text.count(sought) if sought else len(text) + 1) * len(str(new))


def _of_join(value: Any, between: Any = "", *_args: Any, **kwargs: Any) -> int:
    return len(value) * len(str(kwargs.get("d", between)))


def _of_wordwrap(value: Any, width: Any = 79, *args: Any, **kwargs: Any) -> int:
    wrap = kwargs.get("wrapstring", args[1] if len(args) > 1 else None) or "\n"
    return (len(str(value)) // max(int(kwargs.get("width", width)), 1) + 1) * len(wrap)


def _of_json(value: Any, indent: Any = 0) -> int:
    return _size(value) * abs(int(indent or 0))


def _of_format(value: Any, *args: Any, **kwargs: Any) -> int:
    return _of_percent(str(value), args, kwargs)


_FILTERS: Mapping[str, Callable[..., int]] = {
    "batch": _of_number,
    "center": _of_width,
    "format": _of_format,
    "indent": _of_indent,
    "join": _of_join,
    "replace": _of_replace,
    "round": _of_round,
    "slice": _of_number,
    "tojson": _of_json,
    "wordwrap": _of_wordwrap,
}
