"""What TikToker's ``.env`` says: the models it names. Of its keys only the names are ever read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from tiktoker_batch.errors import Problem
from tiktoker_batch.recipe.text import read_text

# By kind: TikToker's variable, and what it takes where that is not set; then the same with its free models.
_MODELS = {
    "text": (("OPENROUTER_MODEL", "openai/gpt-4o-mini"), ("OPENROUTER_MODEL_FREE", "x-ai/grok-4.1-fast:free")),
    "image": (("FAL_IMAGE_MODEL", "fal-ai/flux/schnell"), ("FAL_IMAGE_MODEL_FREE", "fal-ai/flux-lora")),
    "clip": (
        ("FAL_VIDEO_MODEL", "fal-ai/veo3.1/fast/image-to-video"),
        ("FAL_VIDEO_MODEL_FREE", "fal-ai/bytedance/seedance/v1/lite/text-to-video"),
    ),
}
# TikToker's name of a key, ours, and who takes it.
_KEYS = {
    "FAL_API_KEY": ("FAL_KEY", "fal: pictures, clips and the narration"),
    "FAL_KEY": ("FAL_KEY", "fal: pictures, clips and the narration"),
    "OPENROUTER_API_KEY": ("OPENROUTER_API_KEY", "OpenRouter: stories and shots, where they are to be written"),
    "ELEVENLABS_API_KEY": ("ELEVENLABS_API_KEY", "ElevenLabs: only for models that begin with elevenlabs:"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The settings of a project. ``keys``: TikToker's name, ours, what for. ``others`` have no counterpart."""

    file: str = ".env"
    models: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[tuple[str, str, str], ...] = ()
    others: tuple[str, ...] = ()

    def model(self, kind: str, *, free: bool) -> tuple[str, str]:
        """The model of a kind as TikToker names it, and where that stands."""
        variable, usual = _MODELS[kind][free]
        if variable in self.models:
            return self.models[variable], f"{variable} of {self.file}"
        return usual, f"TikToker's own where {variable} is not set"


def read_env(path: Path, problems: list[Problem]) -> Told:
    """Read a ``.env`` file; lines that cannot be read are problems.

    :raises RecipeError: it is no text.
    """
    from dotenv.parser import parse_stream  # noqa: PLC0415  (as where our own is read)

    text, _ = read_text(path)
    variables = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            skipped = len(binding.original.string) - len(binding.original.string.lstrip("\n"))
            line = binding.original.line + skipped
            problems.append(Problem(path=str(path), line=line, column=1, message="this is no NAME=value"))
        elif binding.key and binding.value and binding.value.strip():
            variables[binding.key] = binding.value.strip()
    names = {variable for pair in _MODELS.values() for variable, _ in pair}
    return Told(
        file=path.name,
        models={name: value for name, value in variables.items() if name in names},
        keys=tuple((name, *_KEYS[name]) for name in variables if name in _KEYS),
        others=tuple(name for name in variables if name not in names and name not in _KEYS),
    )
