"""Whatever other programs wrote: a recipe that is valid, or a problem with its place; never a traceback."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tiktoker_batch import app
from tiktoker_batch.catalog.loader import Catalog
from tiktoker_batch.errors import Problem, RecipeError
from tiktoker_batch.importing.mpt import import_mpt
from tiktoker_batch.importing.mpt_fields import LEFT
from tiktoker_batch.importing.notes import Imported
from tiktoker_batch.importing.tiktoker import import_tiktoker
from tiktoker_batch.validating import validate

# What means something in YAML, in our expressions, or to a file system.
_ODD = ["${X}", "{{ x }}", "{% if %}", "{# c", "- a: b # c", "yes", "null", "0x1f", "~", "'", '"', "\ta", " a\n  b\n"]
_ODD += [
    "a\nb",
    "con",
    "---",
    "a\n---\nb",
    "#x",
    "@z",
    "|",
    "!t",
    "&a",
    "*b",
    "\u2028",
    "\x85",
    "\x00",
    "a\\b",
    "x" * 200,
]
_ODD += ["zh-CN", "elevenlabs:abc:de", "fal-ai/flux/dev", "x/y:free"]
WORDS = st.text(max_size=40) | st.sampled_from(_ODD)
ANYTHING: st.SearchStrategy[Any] = (
    WORDS | st.none() | st.booleans() | st.integers(-5, 900) | st.floats() | st.lists(WORDS, max_size=2)
)
_FIELDS = [*("video_subject", "video_script", "video_terms", "video_aspect", "voice_name", "video_language", "params")]
_FIELDS += ["bgm_type", "bgm_file", "bgm_volume", "subtitle_enabled", "subtitle_position", "script", "search_terms"]
TASK = st.dictionaries(st.sampled_from([*_FIELDS, *LEFT, "tomorrow"]), ANYTHING, max_size=6)
SOUND_TASK = st.fixed_dictionaries(
    {"video_subject": WORDS.filter(str.strip), "video_script": WORDS},
    optional=dict.fromkeys(("video_terms", "video_aspect", "video_language", "voice_name", "bgm_file"), WORDS),
)
INPUT = st.fixed_dictionaries(
    {},
    optional={
        "duration": st.floats() | st.integers(-3, 900),
        "referenceImages": st.lists(st.fixed_dictionaries({"path": WORDS}), max_size=2),
        **dict.fromkeys(("description", "aspectRatio", "voiceId", "stylePrompt"), WORDS),
    },
)
STEP = st.fixed_dictionaries({"prompt": WORDS}, optional={"videoDuration": st.integers(-1, 20) | st.floats()})
STATE = st.fixed_dictionaries(
    {"steps": st.lists(STEP, max_size=3)},
    optional={"input": INPUT | ANYTHING, "audio": st.fixed_dictionaries({"storyText": WORDS}) | ANYTHING},
)
METADATA = st.fixed_dictionaries(
    {"storyText": WORDS, "description": WORDS},
    optional={"prompts": st.lists(WORDS, max_size=3), "voiceId": WORDS, "stylePrompt": WORDS, "mood": ANYTHING},
)
STYLES = st.lists(st.fixed_dictionaries({"name": WORDS, "prompt": WORDS.filter(str.strip)}) | ANYTHING, max_size=3)
_VARIABLES = st.sampled_from(["FAL_IMAGE_MODEL", "FAL_VIDEO_MODEL", "OPENROUTER_MODEL", "FAL_API_KEY", "OTHER"])
ENV = st.lists(st.tuples(_VARIABLES, WORDS), max_size=3)


def tried(read: Callable[[Path, Catalog], Imported], source: Path) -> Imported | None:
    """What was made of it; ``None`` where problems were told, each at a place in it."""
    problems: tuple[Problem, ...] = ()
    try:
        return read(source, app.full_catalog())
    except RecipeError as error:
        problems = error.problems
    assert problems
    assert all(each.path.startswith(str(source)) and each.line >= 1 and each.column >= 1 for each in problems)
    return None


def assert_valid(made: Imported, folder: Path) -> None:
    recipe = folder / "recipe.yaml"
    recipe.write_text(made.text, encoding="utf-8")
    (checked,) = validate([recipe], app.Options())
    assert checked.problems == (), made.text


@settings(max_examples=150, deadline=None)
@given(st.lists(TASK | SOUND_TASK, min_size=1, max_size=3))
def test_any_batch_becomes_a_valid_recipe_or_a_problem(tasks: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "tasks.json"
        file.write_text(json.dumps(tasks))
        made = tried(import_mpt, file)
        if made:
            assert_valid(made, file.parent)


@settings(max_examples=150, deadline=None)
@given(STATE | METADATA, STYLES, ENV)
def test_any_session_becomes_a_valid_recipe_or_a_problem(
    session: dict[str, Any], styles: list[Any], env: list[tuple[str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "session_1"
        home.mkdir()
        file = "pipeline-state.json" if "steps" in session else "metadata.json"
        (home / file).write_text(json.dumps(session))
        (home / "styles.json").write_text(json.dumps(styles))
        told = "\n".join(f"{variable}={value}" for variable, value in env)
        (home / ".env").write_text(told, encoding="utf-8", errors="replace")
        made = tried(import_tiktoker, home)
        if made:
            assert_valid(made, Path(name))
