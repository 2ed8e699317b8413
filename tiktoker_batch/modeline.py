"""The first line of a recipe, by which editors find its JSON Schema."""

import re
from pathlib import Path

from tiktoker_batch.errors import UsageError
from tiktoker_batch.recipe.text import unreadable
from tiktoker_batch.store.artifacts import disk_errors, write_atomic

FOLDER, FILE = ".tiktoker-batch", "recipe.schema.json"
_MODELINE = re.compile(r"\s*#\s*yaml-language-server\s*:\s*\$schema=(?P<schema>\S*)\s*")
_BOM = "\ufeff"


def install(recipe: Path, schema: bytes) -> str:
    """Keep the schema beside a recipe and name it in the recipe's first line; says what was done.

    A line that names a schema already is left alone, unless it names ours, whose file is then brought up to date.

    :raises UsageError: there is no such recipe, or it is no text.
    :raises TiktokerError: the disk refuses.
    """
    try:
        text = recipe.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(unreadable(recipe) or f"cannot read {recipe}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{recipe} is no UTF-8 text", hint="save it as UTF-8") from None
    named = _named(text)
    if named is not None and named != f"{FOLDER}/{FILE}":
        return f"left alone, it names {named} already"
    home = recipe.parent / FOLDER
    with disk_errors(home):
        home.mkdir(exist_ok=True)
    known = home / FILE
    if not known.exists() or known.read_bytes() != schema:
        write_atomic(known, schema)
    if named is None:
        bom, body = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
        newline = "\r\n" if "\r\n" in body else "\n"
        line = f"# yaml-language-server: $schema={FOLDER}/{FILE}{newline}"
        write_atomic(recipe, (bom + line + body).encode())
    return f"editors find the schema in {home / FILE}"


def _named(text: str) -> str | None:
    """The schema that one of the comments before the recipe names."""
    for line in text.removeprefix(_BOM).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return None
        found = _MODELINE.fullmatch(line)
        if found:
            return found["schema"]
    return None
