"""``render``: every prompt as it will be sent."""

from pathlib import Path

import click

from tiktoker_batch import app
from tiktoker_batch.cli.options import (
    echo_json,
    format_option,
    looking_options,
    recipe_argument,
    say,
    show,
    subcommand,
)
from tiktoker_batch.errors import UsageError
from tiktoker_batch.recipe.writing import recipe_text
from tiktoker_batch.steps.prompts import Prompt


@subcommand("render", example="tiktoker-batch render recipes/quickstart.yaml --select 'coffee/*/image'")
@recipe_argument
@looking_options
@click.option(
    "--expanded",
    is_flag=True,
    help="Print the recipe instead, with includes, profiles, --set, matrix, foreach and expressions written out.",
)
@format_option
def command(*, recipe: Path, options: app.Options, expanded: bool, form: str) -> None:
    """Print every prompt as it will be sent.

    Words that another step has yet to write stand as «story» or «shot 3».
    """
    if expanded:
        if options.choice:
            raise UsageError("--expanded prints the whole recipe; --select is for prompts")
        _show_expanded(recipe, options, form)
        return
    rendered = app.render(recipe, options)
    for warning in rendered.odd:
        say(f"warning: {warning}")
    prompts = rendered.prompts
    if form == "json":
        echo_json(
            [
                {
                    "step": prompt.step.id,
                    "kind": str(prompt.step.kind),
                    "model": f"{prompt.step.provider}:{prompt.step.model}",
                    "prompt": prompt.text,
                    "deferred": prompt.deferred,
                }
                for prompt in prompts
            ]
        )
        return
    if not prompts:
        say("nothing is chosen")
        return
    show("\n\n".join(f"{_heading(prompt)}\n{prompt.text.strip()}" for prompt in prompts))
    if any(prompt.deferred for prompt in prompts):
        say("note: words in «» are written while the batch runs; work/<video>/prompts keeps what was sent")


def _show_expanded(recipe: Path, options: app.Options, form: str) -> None:
    data = app.expanded(recipe, options)
    if form == "json":
        echo_json(data)
        return
    show(f"# {recipe} as it is meant; relative paths are those of its folder.\n{recipe_text(data)}".rstrip("\n"))


def _heading(prompt: Prompt) -> str:
    step = prompt.step
    variant = f", variant {prompt.variant} of {prompt.variants}" if prompt.variants > 1 else ""
    return f"--- {step.id} ({step.provider}:{step.model}{variant})"
