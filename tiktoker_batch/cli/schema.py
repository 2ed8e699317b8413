"""``schema``: the published JSON Schemas, byte for byte."""

import click

from tiktoker_batch.cli.options import subcommand
from tiktoker_batch.resources import resource_path


@subcommand("schema", example="tiktoker-batch schema > recipe.schema.json")
@click.argument("name", type=click.Choice(["recipe", "manifest"]), default="recipe")
def command(name: str) -> None:
    """Print the JSON Schema of recipes, for editors.

    NAME is recipe (the default) or manifest.
    """
    click.echo(resource_path("schemas", f"{name}.schema.json").read_bytes(), nl=False)
