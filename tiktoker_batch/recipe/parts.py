"""What a prompt template is put together from: templates that it includes, imports or extends.

``builtin/image.j2`` is always the one that is shipped. Any other name is looked for beside the template, then in the
recipe's folder of templates, then among the shipped ones: so a user's ``_style.j2`` takes the place of the shipped one
everywhere, also in shipped templates.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import nodes

from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.recipe.suggest import did_you_mean
from tiktoker_batch.recipe.text import read_text
from tiktoker_batch.resources import resource_path
from tiktoker_batch.shots import Part

MAX_TEMPLATE_BYTES = 256 * 1024
BUILT_IN = "builtin/"

Reference = tuple[int, str, str | None]  # line, the statement, the name; None where it is no plain text

_STATEMENTS = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_NAME = re.compile(r"(builtin/)?[\w.-]+")


def references(tree: nodes.Template) -> Iterator[Reference]:
    """The other templates that a template names."""
    for node in tree.find_all(_STATEMENTS):
        word = {"FromImport": "from"}.get(type(node).__name__, type(node).__name__.lower())
        named = getattr(node, "template", None)
        literal = isinstance(named, nodes.Const) and isinstance(named.value, str) and _NAME.fullmatch(named.value)
        yield node.lineno, word, named.value if literal else None  # type: ignore[union-attr]


def folders_of(path: Path, own: Path | None) -> tuple[Path, ...]:
    """Where the names in a template are looked for, the nearest first."""
    return tuple(dict.fromkeys([path.parent, *([own] if own else [])]))


def find_part(name: str, folders: Sequence[Path]) -> Part | None:
    """The template of this name; ``None`` when there is none.

    :raises RecipeError: it is no readable UTF-8 text.
    """
    plain = name.removeprefix(BUILT_IN)
    for folder in () if name.startswith(BUILT_IN) else folders:
        if (folder / plain).is_file():
            source, _ = read_text(folder / plain, max_bytes=MAX_TEMPLATE_BYTES)
            return Part(name=name, path=str(folder / plain), source=source)
    return _shipped(name, plain) if plain in shipped() else None


def _shipped(name: str, plain: str) -> Part:
    source, _ = read_text(resource_path("templates", f"prompts/{plain}"), max_bytes=MAX_TEMPLATE_BYTES)
    # A path of this installation would make the same recipe look different elsewhere.
    return Part(name=name, path=f"templates/prompts/{plain}", source=source)


def shipped() -> list[str]:
    """The names of the shipped templates."""
    return sorted(path.name for path in resource_path("templates", "prompts").glob("*.j2"))


def missing_part(path: str, line: int, column: int, name: str, folders: Sequence[Path]) -> RecipeError:
    """Nobody has a template of this name."""
    there = {found.name for folder in folders if folder.is_dir() for found in folder.glob("*.j2")}
    near = did_you_mean(name.removeprefix(BUILT_IN), [*there, *shipped()])
    places = " and ".join([*(repr(str(folder)) for folder in folders), "the built-in ones"])
    message = f"there is no template {name!r}{near} (looked for in {places})"
    return RecipeError([Problem(path=path, line=line, column=column, message=message)])
