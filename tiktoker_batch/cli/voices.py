"""``voices``: the narrators a recipe can name."""

from pathlib import Path

from tiktoker_batch import vocabulary
from tiktoker_batch.cli.options import echo_json, format_option, optional_recipe_argument, show, subcommand
from tiktoker_batch.report.quantities import columns


@subcommand("voices", example="tiktoker-batch voices")
@optional_recipe_argument
@format_option
def command(recipe: Path | None, form: str) -> None:
    """List the narrators a recipe can name.

    With a recipe, its own come first.
    """
    voices = vocabulary.voices(recipe)
    if form == "json":
        echo_json(
            [
                {
                    "name": voice.name,
                    "title": voice.title,
                    "gender": voice.gender,
                    "languages": list(voice.languages),
                    "ids": dict(voice.ids),
                    "origin": voice.origin,
                }
                for voice in voices
            ]
        )
        return
    for line in columns([_row(voice) for voice in voices], indent=0):
        show(line)


def _row(voice: vocabulary.VoiceName) -> list[str]:
    own = voice.origin != vocabulary.BUILT_IN
    title = f"{voice.origin}: {', '.join(voice.ids.values())}" if own else voice.title
    return [voice.name, ", ".join(voice.ids), ", ".join(voice.languages) or "as the model", title]
