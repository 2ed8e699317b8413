"""Starting from a template: a folder with a recipe that runs, and what belongs beside it."""

from datetime import date, timedelta
from pathlib import Path

from tiktoker_batch import __version__
from tiktoker_batch.errors import UsageError
from tiktoker_batch.modeline import install
from tiktoker_batch.resources import resource_path
from tiktoker_batch.store.artifacts import disk_errors, write_atomic

TEMPLATES = ("quickstart", "weekly", "calendar")
# Names that would mean something already where the templates are kept.
_NAMES = {
    "gitignore": ".gitignore",
    "env.example": ".env.example",
    "github": ".github",
    "gitlab-ci.yml": ".gitlab-ci.yml",
}
_START, _VERSION = b"@START@", b"@VERSION@"  # stand for the next Monday, and for this version


def start(folder: Path, template: str, today: date) -> tuple[Path, ...]:
    """Write a template's files into a folder, all or none, the recipes first; nothing that is there is overwritten.

    :raises UsageError: one of the files is there already.
    :raises TiktokerError: the disk refuses.
    """
    source = resource_path("templates", f"init/{template}")
    files = {path: folder / _target(path.relative_to(source)) for path in sorted(source.rglob("*")) if path.is_file()}
    there = [str(target) for target in files.values() if target.exists()]
    if there:
        raise UsageError(f"{', '.join(there)} is there already", hint="name a new folder: tiktoker-batch init DIR")
    monday = today + timedelta(days=7 - today.weekday())
    for path, target in files.items():
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_bytes().replace(_START, monday.isoformat().encode()).replace(_VERSION, __version__.encode())
        write_atomic(target, text)
    recipes = [target for target in files.values() if _is_recipe(target)]
    schema = resource_path("schemas", "recipe.schema.json").read_bytes()
    for recipe in recipes:
        install(recipe, schema)
    return (*recipes, *(target for target in files.values() if target not in recipes))


def _target(path: Path) -> Path:
    return Path(*(_NAMES.get(part, part) for part in path.parts))


def _is_recipe(path: Path) -> bool:
    return path.suffix == ".yaml" and "\nversion: 1\n" in path.read_text(encoding="utf-8")
