"""``styles``: the looks a recipe can name."""

from pathlib import Path

from tiktoker_batch import vocabulary
from tiktoker_batch.cli.options import echo_json, format_option, optional_recipe_argument, show, subcommand
from tiktoker_batch.report.quantities import columns, one_line


@subcommand("styles", example="tiktoker-batch styles recipes/week12.yaml")
@optional_recipe_argument
@format_option
def command(recipe: Path | None, form: str) -> None:
    """List the looks a recipe can name.

    With a recipe, its own come first. JSON also holds the words that each look adds to image prompts.
    """
    styles = vocabulary.styles(recipe)
    if form == "json":
        echo_json(
            [
                {
                    "name": style.name,
                    "title": style.title,
                    "prompt": style.prompt,
                    "aliases": list(style.aliases),
                    "origin": style.origin,
                }
                for style in styles
            ]
        )
        return
    for line in columns([[style.name, _description(style)] for style in styles], indent=0):
        show(line)


def _description(style: vocabulary.StyleName) -> str:
    if style.origin != vocabulary.BUILT_IN:
        return f"{one_line(style.prompt, 80)} ({style.origin})"
    aliases = f" (also {', '.join(style.aliases)})" if style.aliases else ""
    return f"{style.title}{aliases}"
