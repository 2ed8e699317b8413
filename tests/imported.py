"""What was imported, looked at as the recipe that it is."""

from pathlib import Path

from tiktoker_batch import app
from tiktoker_batch.importing.notes import Imported
from tiktoker_batch.model import Video
from tiktoker_batch.previewing import preview
from tiktoker_batch.validating import validate


def videos(made: Imported, folder: Path) -> list[Video]:
    """The videos of an imported recipe; it is valid, and plans."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(made.text, encoding="utf-8")
    (checked,) = validate([recipe], app.Options())
    assert checked.problems == (), made.text
    found = preview(recipe, app.Options())
    assert found.to_run
    return list(found.opened.recipe.videos)
