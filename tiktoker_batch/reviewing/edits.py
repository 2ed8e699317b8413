"""What people made of text and shots, read where it lies and laid over the recipe's videos."""

from dataclasses import replace
from pathlib import Path

from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.model import Recipe, Video
from tiktoker_batch.recipe.references import style_named
from tiktoker_batch.recipe.shots_file import StyleOf, as_edit, read_shots_file
from tiktoker_batch.remarks import Remark
from tiktoker_batch.store.layout import Layout


def with_edits(recipe: Recipe, layout: Layout, catalog: Catalog) -> Recipe:
    """The recipe with what people made of its videos in this output folder. Files that nobody touched count nothing.

    :raises RecipeError: files are not valid; with the problems of all of them.
    """
    if not layout.work.is_dir():
        return recipe
    problems: list[Problem] = []
    videos: list[Video] = []
    remarks = list(recipe.remarks)
    style_of, home = styles_of(recipe, catalog), Path(recipe.path).parent
    for video in recipe.videos:
        try:
            path = layout.edit(video.id)
            found = read_shots_file(path, video, style_of, home) if path.exists() else None
        except RecipeError as error:
            problems += error.problems
            continue
        if found is None or not found.is_edited:
            videos.append(video)
            continue
        videos.append(replace(video, edit=as_edit(found, video, str(path), home)))
        remarks += [_remark(each, video) for each in found.warnings]
    if problems:
        raise RecipeError(problems)
    return replace(recipe, videos=tuple(videos), remarks=tuple(remarks))


def _remark(warning: Problem, video: Video) -> Remark:
    words = {video.id: warning.message}
    return Remark(path=warning.path, line=warning.line, column=warning.column, words=words)


def styles_of(recipe: Recipe, catalog: Catalog) -> StyleOf:
    """Finds a style by the names that the recipe knows."""
    return lambda name: style_named(name, recipe.styles, catalog)
