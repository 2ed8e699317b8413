"""``schema``: the published JSON Schemas, byte for byte, and the line that tells editors of them."""

from pathlib import Path

import click

from tiktoker_batch.cli.options import OneOf, say, subcommand
from tiktoker_batch.resources import resource_path


@subcommand("schema", example="tiktoker-batch schema --install recipes/week12.yaml")
@click.argument("name", type=OneOf(["recipe", "manifest"]), default="recipe")
@click.option(
    "--install",
    "recipes",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Put the schema beside this recipe and name it in the recipe's first line; repeatable.",
)
def command(name: str, recipes: tuple[Path, ...]) -> None:
    """Print the JSON Schema of recipes, for editors.

    NAME is recipe (the default) or manifest. Editors with yaml-language-server (VS Code, Neovim and others) complete,
    explain and check a recipe whose first line names the schema: --install writes it.
    """
    content = resource_path("schemas", f"{name}.schema.json").read_bytes()
    if not recipes:
        click.echo(content, nl=False)
        return
    from tiktoker_batch.modeline import install  # noqa: PLC0415  (the schema alone is printed at once)

    for recipe in recipes:
        say(f"{recipe}: {install(recipe, content)}")
