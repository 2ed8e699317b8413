"""What the command says about itself, quickly."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tests.cli.conftest import Call
from tests.starting import ROOT, clean_environment
from tiktoker_batch import __version__
from tiktoker_batch.cli import COMMANDS, load_command

HEAVY = ["trio", "yaml", "jsonschema", "jinja2", "numpy", "rich", "platformdirs", "PIL", "av", "tiktoker_batch.app"]


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys, json\nfrom tiktoker_batch.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True
    )
    assert [name for name in HEAVY if name in json.loads(shown.stderr)] == []


def test_help_lists_the_commands_in_the_order_of_work_and_the_exit_codes(call: Call) -> None:
    shown = call("--help")
    listed = [line.split()[0] for line in shown.stdout.splitlines() if line[:2] == "  " and line[2:3].isalpha()]
    assert [name for name in listed if name in COMMANDS] == list(COMMANDS)
    assert "Exit codes:" in shown.stdout
    assert "130  interrupted" in shown.stdout


def test_the_version_is_the_packages(call: Call) -> None:
    assert call("--version").stdout == f"tiktoker-batch {__version__}\n"


def every_command() -> Iterator[tuple[str, click.Command]]:
    """All commands with those that they hold, by what a user types after ``tiktoker-batch``."""
    for name in COMMANDS:
        command = load_command(name)
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {part}", inner) for part, inner in command.commands.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_begins_with_its_line_of_the_list(name: str) -> None:
    command = load_command(name)
    shown = command.get_help(click.Context(command, info_name=name)).splitlines()
    assert shown[2].strip() == COMMANDS[name]


@pytest.mark.parametrize(("name", "command"), [*every_command()])
def test_every_command_s_help_ends_with_an_example_that_can_be_called(name: str, command: click.Command) -> None:
    shown = command.get_help(click.Context(command, info_name=name)).splitlines()
    heading, example = shown[-2].strip(), shown[-1].strip()
    assert heading == "Example:"
    assert f"{example} ".startswith(f"tiktoker-batch {name} ")
    words = shlex.split(example.partition(" > ")[0])[1 + len(name.split()) :]
    if isinstance(command, click.Group):
        assert words[0] in command.commands
    else:
        command.make_parser(click.Context(command)).parse_args(args=words)


def test_a_mistyped_command_or_option_gets_the_nearest_name(call: Call) -> None:
    command, option = call("validat"), call("plan", "x.yaml", "--ouput", "y")
    assert (command.returncode, option.returncode) == (2, 2)
    assert "did you mean 'validate'?" in command.stderr
    assert "--output" in option.stderr


def test_a_mistyped_word_of_an_option_gets_the_nearest_one(call: Call) -> None:
    for command, said in (
        (("plan", "x.yaml", "--format", "jsn"), "did you mean 'json'?"),
        (("init", "x", "--template", "weakly"), "did you mean 'weekly'?"),
        (("models", "--kind", "clips"), "did you mean 'clip'?"),
        (("schema", "recipes"), "did you mean 'recipe'?"),
    ):
        done = call(*command)
        assert done.returncode == 2
        assert said in done.stderr
