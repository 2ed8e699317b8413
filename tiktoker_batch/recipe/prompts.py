"""Prompt templates: Jinja in a sandbox, with every undefined name an error.

A template stands alone: it cannot include, import or extend another.
"""

import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import NoReturn

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.model import Template
from tiktoker_batch.recipe.sandbox import metered, sandbox, syntax_fault
from tiktoker_batch.recipe.suggest import did_you_mean, listed
from tiktoker_batch.recipe.text import read_text
from tiktoker_batch.resources import resource_path

PROMPT_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "story": ("topic", "duration", "words", "language", "style", "variant", "variants", "vars", "video_id"),
    "shots": ("story", "count", "segment_seconds", "characters", "language", "style", "topic", "vars", "video_id"),
    "image": ("shot", "style", "aspect_ratio", "number", "count", "vars", "video_id"),
    "clip": ("shot", "style", "seconds", "number", "count", "vars", "video_id"),
}
"""The variables that each template may use; ``style`` has ``name`` and ``prompt``."""

MAX_TEMPLATE_BYTES = 256 * 1024

_Found = tuple[int, str, str]  # line, the name it is about, message
_STANDS_ALONE = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


def load_template(path: Path) -> Template:
    """Read a template file.

    :raises RecipeError: it is no readable UTF-8 text.
    """
    source, _ = read_text(path, max_bytes=MAX_TEMPLATE_BYTES)
    return Template(path=str(path), source=source)


@cache
def builtin_templates() -> Mapping[str, Template]:
    """The templates that are used where a recipe names none, by name."""
    found = {name: load_template(resource_path("templates", f"prompts/{name}.j2")) for name in PROMPT_VARIABLES}
    # A path of this installation would make the same recipe look different elsewhere.
    return {name: Template(path=f"templates/prompts/{name}.j2", source=each.source) for name, each in found.items()}


def render_prompt(template: Template, variables: Mapping[str, object]) -> str:
    """The prompt, with spaces at the edges of lines and repeated blank lines dropped.

    :raises RecipeError: the template is not valid or uses what is not there, at its line.
    """
    try:
        with metered():
            return _rendered(template.source, variables)
    except jinja2.UndefinedError as error:
        message = str(error.message)
        name = message.split("'")[1] if "'" in message else None
        _raise(template, _line_of(error), f"{message}{_nearest(message, variables)}", name)
    except jinja2.TemplateSyntaxError as error:
        _raise(template, error.lineno, syntax_fault(error, _environment()))
    except Exception as error:  # a template is its writer's program: whatever it does wrong is theirs to mend
        _raise(template, _line_of(error), f"this cannot be rendered: {error}")


def _rendered(source: str, variables: Mapping[str, object]) -> str:
    """Render what was not rendered before: the pictures of a thousand videos often differ in their number alone."""
    used = tuple((name, type(variables[name]), variables[name]) for name in _used(source) if name in variables)
    try:
        return _rendered_with(source, used)
    except TypeError:  # a variable that has no hash, or a mistake of the template's that is made again
        return _fold(_compiled(source).render(variables))


@lru_cache(maxsize=4096)
def _rendered_with(source: str, used: tuple[tuple[str, type, object], ...]) -> str:
    return _fold(_compiled(source).render({name: value for name, _, value in used}))


@lru_cache(maxsize=64)
def _used(source: str) -> tuple[str, ...]:
    """The names of the variables that a template looks at."""
    return tuple(sorted(meta.find_undeclared_variables(_environment().parse(source))))


def check_template(template: Template, known_variables: Iterable[str]) -> list[Problem]:
    """Every problem that shows without rendering: syntax, undefined variables, unknown filters and tests, includes."""
    known = tuple(known_variables)
    try:
        tree = _environment().parse(template.source)
        found = [*_unknown_calls(tree), *_companions(tree)]
        # Jinja cannot tell which names are declared while a filter is unknown, and counts as undeclared what only
        # some branches set.
        undeclared = set() if found else meta.find_undeclared_variables(tree) - {*known, *_assigned(tree)}
    except jinja2.TemplateSyntaxError as error:
        return [_problem(template, error.lineno, syntax_fault(error, _environment()))]
    except RecursionError:
        return [_problem(template, 1, "nested too deeply")]
    found += _unknown_names(tree, undeclared, known)
    return sorted({_problem(template, line, message, name) for line, name, message in found})


def _assigned(tree: nodes.Template) -> Iterator[str]:
    return (node.name for node in tree.find_all(nodes.Name) if node.ctx != "load")


def _unknown_names(tree: nodes.Template, undeclared: set[str], known: tuple[str, ...]) -> Iterator[_Found]:
    for node in tree.find_all(nodes.Name):
        if node.name in undeclared:
            near = did_you_mean(node.name, known)
            yield node.lineno, node.name, f"{node.name!r} is undefined{near} (there are: {', '.join(known)})"


def _unknown_calls(tree: nodes.Template) -> Iterator[_Found]:
    environment = _environment()
    for filtered in tree.find_all(nodes.Filter):
        if filtered.name not in environment.filters:
            near = did_you_mean(filtered.name, environment.filters)
            yield filtered.lineno, filtered.name, f"there is no filter {filtered.name!r}{near}"
    for tested in tree.find_all(nodes.Test):
        if tested.name not in environment.tests:
            near = did_you_mean(tested.name, environment.tests)
            yield tested.lineno, tested.name, f"there is no test {tested.name!r}{near}"


def _companions(tree: nodes.Template) -> Iterator[_Found]:
    for node in tree.find_all(_STANDS_ALONE):
        name = {"FromImport": "from"}.get(type(node).__name__, type(node).__name__.lower())
        yield node.lineno, name, f"a prompt template stands alone; {name!r} is not possible"


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return sandbox(trims_blocks=True)


@lru_cache(maxsize=64)
def _compiled(source: str) -> jinja2.Template:
    return _environment().from_string(source)


_GAP = re.compile(r"\n{3,}")


def _fold(text: str) -> str:
    # What str.split() takes for white space and what \s matches is the same.
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    return _GAP.sub("\n\n", "\n".join(lines)).strip()


def _nearest(message: str, variables: Mapping[str, object]) -> str:
    name = re.fullmatch(r"'(\w+)' is undefined", message)
    return f"{did_you_mean(name[1], variables)} (there are: {listed(variables, 'and')})" if name else ""


def _line_of(error: BaseException) -> int:
    """The template's line in a traceback that Jinja has rewritten."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return lines[-1] or 1 if lines else 1


def _problem(template: Template, line: int, message: str, name: str | None = None) -> Problem:
    column = 1
    lines = template.source.splitlines()
    if name and 0 < line <= len(lines):
        found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", lines[line - 1])
        column = found.start() + 1 if found else 1
    return Problem(path=template.path, line=line, column=column, message=message)


def _raise(template: Template, line: int, message: str, name: str | None = None) -> NoReturn:
    raise RecipeError([_problem(template, line, message, name)]) from None
