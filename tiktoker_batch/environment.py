"""What the process was told, and what the ``.env`` files beside it say."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tiktoker_batch.errors import PreflightError


def environment(recipe: Path) -> dict[str, str]:
    """The process environment over the ``.env`` beside the recipe over the one in the working folder.

    :raises PreflightError: one of them is no text.
    """
    merged: dict[str, str] = {}
    for folder in (Path(), recipe.parent):
        merged |= _told_in(folder)
    return merged | dict(os.environ)


def environments(recipes: Iterable[Path]) -> Iterator[Mapping[str, str]]:
    """Each of these by itself, so that nothing hides behind anything; files that cannot be read say nothing."""
    yield os.environ
    for folder in dict.fromkeys((Path(), *(recipe.parent for recipe in recipes))):
        try:
            yield _told_in(folder)
        except (OSError, PreflightError):
            continue


def _told_in(folder: Path) -> dict[str, str]:
    file = folder / ".env"
    if not file.is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415  (most calls find no such file)

    try:
        return {name: value for name, value in dotenv_values(file).items() if value is not None}
    except UnicodeDecodeError:
        raise PreflightError(f"{file} is not UTF-8 text", hint="save it as UTF-8") from None
