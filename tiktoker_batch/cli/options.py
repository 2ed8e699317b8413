"""What the commands share: arguments, options, and how JSON is printed."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tiktoker_batch.planning.selection import Choice, Shard

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(slots=True)
class Session:
    """What is known about this call when it ends badly.

    ``output`` is the folder of the batch at work, ``again`` the command that goes on with it; ``recipes`` are those
    that it was called with. ``kept`` is what the process ends with: to take it apart would only take time.
    """

    debug: bool = False
    output: Path | None = None
    again: str | None = None
    recipes: tuple[Path, ...] = ()
    kept: tuple[object, ...] = ()


class OneOf(click.Choice[str]):
    """One of some words; of another one the nearest is told."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, as click checks it."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            from tiktoker_batch.recipe.suggest import did_you_mean  # noqa: PLC0415  (--help answers at once)

            message = f"{error.message.rstrip('.')}{did_you_mean(str(value), self.choices)}"
            raise click.BadParameter(message, ctx, param) from None


def subcommand(name: str, *, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command whose help ends with an example."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        made = click.command(name, epilog=f"\b\nExample:\n  {example}")(function)
        return debug_option(made)

    return decorate


def _note_debug(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    session = ctx.find_object(Session)
    if value and session:
        session.debug = True


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_note_debug, help="Show tracebacks of errors."
)


def _note_recipes(ctx: click.Context, _parameter: click.Parameter, value: Any) -> Any:
    session = ctx.find_object(Session)
    if value and session:
        session.recipes = value if isinstance(value, tuple) else (value,)
    return value


recipe_argument = click.argument("recipe", type=click.Path(path_type=Path), callback=_note_recipes)
recipes_argument = click.argument(
    "recipes", metavar="RECIPE...", type=click.Path(path_type=Path), nargs=-1, required=True, callback=_note_recipes
)
optional_recipe_argument = click.argument(
    "recipe", type=click.Path(path_type=Path), required=False, callback=_note_recipes
)
target_argument = click.argument(
    "target", metavar="RECIPE|OUTPUT_DIR", type=click.Path(path_type=Path), callback=_note_recipes
)
output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The output folder, instead of the recipe's.",
)
format_option = click.option(
    "--format",
    "form",
    type=OneOf(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for programs.",
)


def _parse_limits(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> Mapping[str, int]:
    limits = {}
    for value in values:
        name, _, number = value.rpartition("=")
        if not name or not number.isdecimal() or int(number) < 1:
            raise click.BadParameter(f"{value!r} is not NAME=N with a whole number from 1 (for example fal=4)")
        limits[name] = int(number)
    return limits


limit_option = click.option(
    "--limit",
    "limits",
    multiple=True,
    callback=_parse_limits,
    metavar="NAME=N",
    help="How much of a provider, a model or ffmpeg at once; repeatable.",
)


profile_option = click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME",
    help="An overlay of the recipe's, or offline, standard or free; repeatable, the last one is strongest.",
)


set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="A value of the recipe: defaults.style=noir, videos[0].topic=tea, limits.fal=4; null for none; repeatable.",
)

select_option = click.option(
    "--select",
    multiple=True,
    metavar="EXPR",
    help="Only these: mon-*, tag:noir, state:failed, date:FROM..TO, mon-*/03/clip; with and, or, not; repeatable.",
)
exclude_option = click.option("--exclude", multiple=True, metavar="EXPR", help="Not these; repeatable.")


def _parse_kind(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    from tiktoker_batch.model import Kind  # noqa: PLC0415  (--help answers at once)
    from tiktoker_batch.recipe.suggest import did_you_mean  # noqa: PLC0415

    kinds = [str(kind) for kind in Kind]
    if value is not None and value not in kinds:
        raise click.BadParameter(f"{value!r} is none of {', '.join(kinds)}{did_you_mean(value, kinds)}")
    return value


until_option = click.option(
    "--until",
    callback=_parse_kind,
    metavar="KIND",
    help="Stop after this kind of step: story, shots, image, clip, narration, captions, music.",
)


def _parse_shard(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> "Shard | None":
    from tiktoker_batch.planning.selection import parse_shard  # noqa: PLC0415

    try:
        return parse_shard(value) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


shard_option = click.option(
    "--shard",
    callback=_parse_shard,
    metavar="I/N",
    help="Only the I-th of N parts of the videos, with its share of the budget, for several machines; see 'merge'.",
)
force_option = click.option(
    "--force",
    multiple=True,
    metavar="EXPR",
    help="Do these again, and pay again, whatever is there; repeatable.",
)


def choice_of(
    select: Sequence[str] = (), exclude: Sequence[str] = (), until: str | None = None, shard: "Shard | None" = None
) -> "Choice":
    """What the options choose."""
    from tiktoker_batch.model import Kind  # noqa: PLC0415
    from tiktoker_batch.planning.selection import Choice  # noqa: PLC0415

    return Choice(select=tuple(select), exclude=tuple(exclude), until=Kind(until) if until else None, shard=shard)


def _parse_usd(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Decimal | None:
    if value is None:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise click.BadParameter(f"{value!r} is not an amount of USD (for example 12.50)")
    return amount


budget_option = click.option(
    "--budget",
    callback=_parse_usd,
    metavar="USD",
    help="Never spend more on the batch, all runs together; instead of the recipe's budget.max_usd.",
)
cache_option = click.option(
    "--no-cache",
    "cache",
    flag_value=False,
    default=True,
    help="Take nothing that other batches have bought, and keep nothing for them.",
)
verify_option = click.option(
    "--verify", is_flag=True, help="Hash every finished file, also those that look untouched since they were made."
)


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def recipe_options(*chosen: Decorator) -> Decorator:
    """Options that say what of a recipe is meant, in the order of the help; the command gets them as ``options``."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            from tiktoker_batch.app import Options  # noqa: PLC0415  (--help answers at once)

            told = {name: given.pop(name) for name in names}
            choice = choice_of(**{name: told.pop(name) for name in _OF_CHOICE & told.keys()})
            return function(*args, options=Options(**told, choice=choice), **given)

        own = len(getattr(called, "__click_params__", ()))
        made: Any = called
        for option in reversed(chosen):
            made = option(made)
        names = [parameter.name for parameter in made.__click_params__[own:]]
        return called

    return decorate


_OF_CHOICE = frozenset({"select", "exclude", "until", "shard"})

# Which batch, with what, and which part of it; for what is run, also within which bounds, and what of it again.
looking_options = recipe_options(output_option, profile_option, set_option, select_option, exclude_option)
_RUNNING = (
    output_option,
    limit_option,
    profile_option,
    set_option,
    budget_option,
    select_option,
    exclude_option,
    until_option,
    shard_option,
)
rehearsing_options = recipe_options(*_RUNNING)
planning_options = recipe_options(*_RUNNING, force_option, cache_option, verify_option)


progress_option = click.option(
    "--progress",
    type=OneOf(["auto", "rich", "plain", "json", "none"]),
    default="auto",
    show_default=True,
    help="How to tell what happens, on stderr.",
)
FILE = click.Path(path_type=Path, dir_okay=False, writable=True)
junit_option = click.option(
    "--junit", type=FILE, metavar="FILE", help="Write JUnit XML for a CI service: a suite per video, a case per step."
)
trace_option = click.option(
    "--trace", type=FILE, metavar="FILE", help="Write a trace for ui.perfetto.dev or chrome://tracing."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask before money is spent; a CI job is never asked.")
speed_option = click.option(
    "--speed",
    type=click.FloatRange(min=1, max=10_000),
    default=60.0,
    show_default=True,
    help="How much faster waiting passes.",
)
faults_option = click.option(
    "--faults",
    type=click.FloatRange(min=0, max=0.9),
    default=0.0,
    show_default=True,
    metavar="P",
    help="The share of requests that meet a trouble, from 0 to 0.9.",
)
account_option = click.option(
    "--account",
    "accounts",
    multiple=True,
    callback=_parse_limits,
    metavar="NAME=N",
    help="How much the simulated account of fal or elevenlabs works on at once (20, 10); repeatable.",
)
seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="The same troubles and latencies for the same seed."
)


def echo_json(value: Any) -> None:
    """Print JSON; as ASCII where the terminal knows nothing else, so that it stays valid."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    show(json.dumps(value, indent=2, ensure_ascii=not encoding.startswith("utf")))


def show(text: str) -> None:
    """Print data. The stream is named: click would send UTF-8 to a terminal that said it knows ASCII only."""
    click.echo(text, file=sys.stdout)


def say(message: str) -> None:
    """Print a message to people, apart from the data."""
    click.echo(message, file=sys.stderr)
