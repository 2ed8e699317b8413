"""Prompt templates: Jinja in a sandbox, with every undefined name an error.

What a template includes, imports or extends is read with it, once: rendering opens no file.
"""

import re
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NoReturn

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe.parts import MAX_TEMPLATE_BYTES, find_part, folders_of, missing_part, references
from tiktoker_batch.recipe.sandbox import metered, output, sandbox, syntax_fault
from tiktoker_batch.recipe.suggest import did_you_mean, listed
from tiktoker_batch.recipe.text import read_text
from tiktoker_batch.resources import resource_path
from tiktoker_batch.shots import Part, Template

PROMPT_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "story": ("topic", "duration", "words", "language", "style", "variant", "variants", "unit", "vars", "video_id"),
    "shots": ("story", "count", "segment_seconds", "characters", "language", "style", "topic", "vars", "video_id"),
    "image": ("shot", "style", "aspect_ratio", "number", "count", "vars", "video_id"),
    "clip": ("shot", "motion", "style", "seconds", "number", "count", "vars", "video_id"),
}
"""The variables that each template may use; ``style`` has ``name`` and ``prompt``."""

_Found = tuple[int, str, str]  # line, the name it is about, message


def load_template(path: Path, folder: Path | None = None) -> Template:
    """Read a template file and the templates that it is put together from; ``folder`` is the recipe's own for them.

    :raises RecipeError: one of them is no readable UTF-8 text, is not there, or leads back to itself.
    """
    source, _ = read_text(path, max_bytes=MAX_TEMPLATE_BYTES)
    return _put_together(str(path), source, folders_of(path, folder))


def _put_together(path: str, source: str, folders: Sequence[Path]) -> Template:
    parts: dict[str, Part] = {}
    _gather(path, source, folders, parts, (path,))
    return Template(path=path, source=source, parts=tuple(parts.values()))


def _gather(path: str, source: str, folders: Sequence[Path], parts: dict[str, Part], way: tuple[str, ...]) -> None:
    """Add what a source names, and what that names in turn. A source that is no Jinja is told of when it is checked."""
    try:
        named = list(references(_environment().parse(source)))
    except (jinja2.TemplateSyntaxError, RecursionError):
        return
    for line, _word, name in named:
        if name is None:
            continue
        place = _problem(Template(path=path, source=source), line, "", name)
        part = parts.get(name) or find_part(name, folders)
        if part is None:
            raise missing_part(path, line, place.column, name, folders)
        if part.path in way:
            message = f"{name!r} leads back to itself; the shipped one is called 'builtin/{Path(name).name}'"
            raise RecipeError([Problem(path=path, line=line, column=place.column, message=message)])
        if name not in parts:
            parts[name] = part
            _gather(part.path, part.source, folders, parts, (*way, part.path))


@cache
def builtin_templates() -> Mapping[str, Template]:
    """The templates that are used where a recipe names none, by name."""
    return {name: builtin_template(name) for name in PROMPT_VARIABLES}


def builtin_template(name: str, folder: Path | None = None) -> Template:
    """A shipped template, put together with what a recipe's ``folder`` of templates holds.

    :raises RecipeError: a part in the folder is no readable UTF-8 text.
    """
    source, _ = read_text(resource_path("templates", f"prompts/{name}.j2"), max_bytes=MAX_TEMPLATE_BYTES)
    # A path of this installation would make the same recipe look different elsewhere.
    return _put_together(f"templates/prompts/{name}.j2", source, (folder,) if folder else ())


def render_prompt(template: Template, variables: Mapping[str, object]) -> str:
    """The prompt, with spaces at the edges of lines and repeated blank lines dropped.

    :raises RecipeError: the template is not valid or uses what is not there, at its line.
    """
    try:
        return _rendered(template, variables)
    except jinja2.UndefinedError as error:
        message = str(error.message)
        name = message.split("'")[1] if "'" in message else None
        _raise(template, error, f"{message}{_nearest(message, variables)}", name)
    except jinja2.TemplateSyntaxError as error:
        raise RecipeError([_problem(template, error.lineno, syntax_fault(error, _environment()))]) from None
    except Exception as error:  # a template is its writer's program: whatever it does wrong is theirs to mend
        _raise(template, error, f"this cannot be rendered: {error}")


def render_block(template: Template, block: str, variables: Mapping[str, object]) -> str | None:
    """One block of a template alone; ``None`` where it has none of this name, or none that can stand alone."""
    try:
        line = [_compiled(template), *_ancestors(template)]
        context = line[0].new_context(dict(variables))
        for ancestor in line[1:]:
            for name, made in ancestor.blocks.items():
                context.blocks.setdefault(name, []).append(made)
        found = context.blocks.get(block)
        with metered():
            return _fold("".join(found[0](context))) if found else None
    except Exception:  # whatever is wrong is told when the whole is rendered
        return None


def _ancestors(template: Template) -> Iterator[jinja2.Template]:
    """What a template extends, the nearest first."""
    parts = {part.name: part for part in template.parts}
    source: str | None = template.source
    while source is not None:
        extended = (
            name for _, word, name in references(_environment().parse(source)) if word == "extends" and name in parts
        )
        name = next(extended, None)
        if name is None:
            return
        yield _environment(template.parts).get_template(name)
        source = parts[name].source


def _rendered(template: Template, variables: Mapping[str, object]) -> str:
    """Render what was not rendered before: the pictures of a thousand videos often differ in their number alone."""
    used = tuple((name, type(variables[name]), variables[name]) for name in _used(template) if name in variables)
    try:
        return _rendered_with(template, used)
    except TypeError:  # a variable that has no hash, or a mistake of the template's that is made again
        return _made(template, variables)


@lru_cache(maxsize=4096)
def _rendered_with(template: Template, used: tuple[tuple[str, type, object], ...]) -> str:
    return _made(template, {name: value for name, _, value in used})


def _made(template: Template, variables: Mapping[str, object]) -> str:
    compiled = _compiled(template)
    try:
        with metered():
            return _fold(output(compiled, variables))
    except Exception:  # Jinja's own way knows at which line
        with metered():
            return _fold(compiled.render(variables))


def uses_variable(template: Template, name: str) -> bool:
    """Whether a template looks at a variable, by itself or in its parts.

    :raises TemplateSyntaxError: it is no template.
    """
    return name in _used(template)


@lru_cache(maxsize=64)
def _used(template: Template) -> tuple[str, ...]:
    """The names of the variables that a template looks at, by itself or in its parts."""
    sources = (template.source, *(part.source for part in template.parts))
    found = (meta.find_undeclared_variables(_environment().parse(source)) for source in sources)
    return tuple(sorted(set().union(*found)))


def check_template(template: Template, known_variables: Iterable[str]) -> list[Problem]:
    """Every problem that shows without rendering: syntax, undefined variables, unknown filters, tests and blocks."""
    known = tuple(known_variables)
    sources = [template, *(Template(path=part.path, source=part.source) for part in template.parts)]
    try:
        # What one of them sets, those that it is put together with may use.
        trees = {each: _environment().parse(each.source) for each in sources}
        assigned = {name for tree in trees.values() for name in _assigned(tree)}
        found = [problem for each, tree in trees.items() for problem in _faults(each, tree, known, assigned)]
        return sorted({*found, *_stray_blocks(template, trees)})
    except jinja2.TemplateSyntaxError as error:
        broken = next(each for each in sources if not _can_be_parsed(each))
        return [_problem(broken, error.lineno, syntax_fault(error, _environment()))]
    except RecursionError:
        return [_problem(template, 1, "nested too deeply")]


def _can_be_parsed(template: Template) -> bool:
    try:
        _environment().parse(template.source)
    except jinja2.TemplateSyntaxError:
        return False
    return True


def _faults(template: Template, tree: nodes.Template, known: tuple[str, ...], assigned: set[str]) -> Iterator[Problem]:
    found = [*_unknown_calls(tree), *_unnamed(tree)]
    # Jinja cannot tell which names are declared while a filter is unknown, and counts as undeclared what only
    # some branches set.
    undeclared = set() if found else meta.find_undeclared_variables(tree) - {*known, *assigned}
    found += _unknown_names(tree, undeclared, known)
    return (_problem(template, line, message, name) for line, name, message in found)


def _stray_blocks(template: Template, trees: Mapping[Template, nodes.Template]) -> Iterator[Problem]:
    """Blocks of a template that extends another one which has no such block: nobody would ever see them."""
    own, *others = trees.values()
    if not any(own.find_all(nodes.Extends)) or any(name is None for _, _, name in references(own)):
        return  # of what cannot be found nobody knows the blocks
    theirs = {block.name for tree in others for block in tree.find_all(nodes.Block)}
    inner = {block.name for outer in own.find_all(nodes.Block) for block in outer.find_all(nodes.Block)}
    for block in own.find_all(nodes.Block):
        if block.name not in theirs | inner:
            there = f" (there are: {', '.join(sorted(theirs))})" if theirs else "; it has none at all"
            message = f"what is extended has no block {block.name!r}{did_you_mean(block.name, theirs)}{there}"
            yield _problem(template, block.lineno, message, block.name)


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


def _unnamed(tree: nodes.Template) -> Iterator[_Found]:
    for line, word, name in references(tree):
        if name is None:
            yield line, word, f"{word!r} wants the plain name of a template in quotes, like 'builtin/image.j2'"


@lru_cache(maxsize=64)
def _environment(parts: tuple[Part, ...] = ()) -> ImmutableSandboxedEnvironment:
    environment = sandbox(trims_blocks=True)
    sources = {part.name: (part.source, part.path, None) for part in parts}
    environment.loader = jinja2.FunctionLoader(sources.get)
    return environment


@lru_cache(maxsize=64)
def _compiled(template: Template) -> jinja2.Template:
    return _environment(template.parts).from_string(template.source)


_GAP = re.compile(r"\n{3,}")
# What a text without accents holds if there is anything in it to fold: all other white space is a single blank.
_TO_FOLD = ("  ", " \n", "\n ", "\n\n\n", "\t", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f")


def _fold(text: str) -> str:
    text = text.strip()
    if text.isascii() and not any(each in text for each in _TO_FOLD):
        return text
    # What str.split() takes for white space and what \s matches is the same.
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return _GAP.sub("\n\n", "\n".join(lines)).strip()


def _nearest(message: str, variables: Mapping[str, object]) -> str:
    name = re.fullmatch(r"'(\w+)' is undefined", message)
    return f"{did_you_mean(name[1], variables)} (there are: {listed(variables, 'and')})" if name else ""


def _place_of(error: BaseException, template: Template) -> tuple[Template, int]:
    """The template or part, and its line, in a traceback that Jinja has rewritten."""
    sources = {"<template>": template}
    sources |= {part.path: Template(path=part.path, source=part.source) for part in template.parts}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in sources]
    return (sources[frames[-1].filename], frames[-1].lineno or 1) if frames else (template, 1)


def _problem(template: Template, line: int, message: str, name: str | None = None) -> Problem:
    column = 1
    lines = template.source.splitlines()
    if name and 0 < line <= len(lines):
        found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", lines[line - 1])
        column = found.start() + 1 if found else 1
    return Problem(path=template.path, line=line, column=column, message=message)


def _raise(template: Template, error: BaseException, message: str, name: str | None = None) -> NoReturn:
    where, line = _place_of(error, template)
    raise RecipeError([_problem(where, line, message, name)]) from None
