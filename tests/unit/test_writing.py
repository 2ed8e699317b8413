"""``render --expanded``: a recipe written out asks for exactly the same, to the keys of its steps."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tiktoker_batch import app
from tiktoker_batch.errors import UsageError
from tiktoker_batch.recipe.writing import recipe_text
from tiktoker_batch.resources import resource_path

REPOSITORY = sorted([*resource_path("recipes").glob("*.yaml"), *resource_path("templates", "init").glob("*/*.yaml")])
CLIPS = "fal:fal-ai/bytedance/seedance/v1/lite/image-to-video"


def asked_for(path: Path, options: app.Options) -> dict[str, Any]:
    """Everything that follows from a recipe but how it is written."""
    opened = app.open_recipe(path, options)
    recipe = opened.recipe
    return {
        "name": recipe.name,
        "output": recipe.output_dir,
        "limits": recipe.limits,
        "budget": recipe.budget,
        "keys": {step.id: step.key for step in opened.plan.steps},
        "videos": [(video.id, video.publish, video.priority, video.retry, video.hedge) for video in recipe.videos],
        "failures": [(video.tags, video.minimum_segments, video.on_segment_failure) for video in recipe.videos],
        "voices": [(video.voice, video.models, video.captions, video.music) for video in recipe.videos],
    }


def written(path: Path, options: app.Options) -> str:
    return recipe_text(app.expanded(path, options))


def same(path: Path, options: app.Options) -> str:
    """What is written out, once it is known to ask for the same."""
    text = written(path, options)
    before = asked_for(path, options)
    path.with_name("expanded.yaml").write_text(text, encoding="utf-8")
    assert asked_for(path.with_name("expanded.yaml"), app.Options()) == before
    assert written(path.with_name("expanded.yaml"), app.Options()) == text
    return text


def lay_out(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "recipe.yaml"


@pytest.mark.parametrize("profile", [None, "offline", "standard", "free"])
@pytest.mark.parametrize("recipe", REPOSITORY, ids=lambda path: path.stem)
def test_every_recipe_of_this_repository(tmp_path: Path, recipe: Path, profile: str | None) -> None:
    folder = Path(shutil.copytree(recipe.parent, tmp_path / "copy"))
    path = folder / recipe.name
    path.write_text(path.read_text(encoding="utf-8").replace("@START@", "2027-03-15"), encoding="utf-8")
    same(path, app.Options(profiles=(profile,) if profile else ()))


HEAD = "version: 1\nname: x\n"
ROWS = "slug,seconds,words\na,12,tea\nb,14,\"{{ 7 * 7 }} {% if %} $HOME ${HOME} 'it''s' \\ #{ \"\nc,9,no\nd,9,1e3\n"
FEATURES: dict[str, tuple[Mapping[str, str], Sequence[str], Sequence[str]]] = {
    "matrix": (
        {"recipe.yaml": HEAD + 'videos: [{matrix: {s: [noir, anime]}, id: "v-{{ s }}", topic: tea, style: "{{ s }}"}]'},
        (),
        (),
    ),
    "rows that hold what means something in a recipe": (
        {
            "recipe.yaml": HEAD + "videos:\n  - {foreach: rows.csv, id: '{{ row.slug }}',"
            " topic: '{{ row.words or 1 }}', duration: '{{ row.seconds }}',"
            " vars: {words: '{{ row.words }}', deep: [{w: '{{ row.words }}'}]}}",
            "rows.csv": ROWS,
        },
        (),
        (),
    ),
    "texts of several lines": (
        {
            "recipe.yaml": HEAD + "videos:\n"
            '  - {id: a, script: "One.\\n\\n  Two. \\n", vars: {x: "a\\n", y: " b", z: "",'
            ' d: "2027-03-15", n: "007"}}\n'
            "  - id: b\n    script: |\n      Ein 🎬 Satz: Ja.\n      - Noch einer # kein Kommentar\n"
            "    tags: [no, 9:16]\n"
        },
        (),
        (),
    ),
    "the environment": (
        {"recipe.yaml": HEAD + "defaults:\n  duration: ${SECONDS}\nvideos: [{id: a, topic: '${TOPIC} $${x}'}]"},
        (),
        (),
    ),
    "what comes from files elsewhere": (
        {
            "recipe.yaml": HEAD + "include: [../brand/brand.yaml]\nvideos: [{id: a, topic: tea}]",
            "../brand/brand.yaml": "include: deeper/more.yaml\noutput_dir: out\n"
            "defaults: {music: {file: bed.mp3}, templates: {image: image.j2}}\n"
            "profiles: {p: {defaults: {music: {file: other.mp3}, reference_image: logo.png}}}\n"
            "videos: [{id: told, script_file: told.txt}, {id: web, topic: tea, reference_image: 'https://x.org/a.png',"
            ' models: {image: "fal:fal-ai/nano-banana/edit"}}]',
            "../brand/deeper/more.yaml": 'videos: [{foreach: rows.json, id: "{{ row.s }}", script_file: deep.txt}]',
            "../brand/deeper/rows.json": '[{"s": "row"}]',
            "../brand/deeper/deep.txt": "Deep.",
            "../brand/told.txt": "Told.",
            "../brand/bed.mp3": "x",
            "../brand/other.mp3": "y",
            "../brand/logo.png": "z",
            "../brand/image.j2": "{{ shot }} on paper",
        },
        ("p",),
        (),
    ),
    "profiles and values": (
        {
            "recipe.yaml": HEAD
            + f'limits: {{fal: 5}}\nbudget: {{max_usd: 3}}\nmodels: {{"{CLIPS}": {{price: {{usd: 0.07}}}}}}\n'
            + 'voices: {me: "elevenlabs:abc"}\n'
            + "defaults: {voice: me, captions: {preset: pop}, retry: {jitter: 0}, vars: {a: 1},"
            + ' models: {narration: "elevenlabs:eleven_v3"}}\n'
            + f'profiles:\n  cheap: {{defaults: {{models: {{clip: "{CLIPS}"}}, vars: {{b: 2}}, captions: false}},'
            + " limits: {fal: 1}}\n  long: {defaults: {duration: 20, captions: {position: top}},"
            + " budget: {max_images: 9}}\n"
            + "videos:\n  - {id: a, topic: tea, captions: {position: center}, voice: rachel}\n"
            + "  - {id: b, topic: чай, language: ru, captions: false}\n"
            + '  - {id: c, topic: tea, models: {narration: "elevenlabs:eleven_v3"}}\n',
        },
        ("cheap", "long", "offline"),
        (
            "defaults.fps=12",
            "videos[a].topic=a {b} ${c}",
            "budget.max_usd=null",
            "defaults.models.image=fal:fal-ai/flux/dev",
        ),
    ),
    "a profile that takes captions away": (
        {
            "recipe.yaml": HEAD
            + "defaults: {captions: {preset: pop}}\nprofiles: {p: {defaults: {captions: false}}, q: "
            "{defaults: {captions: true}}}\n"
            "videos: [{id: a, topic: tea, captions: {position: top}}, {id: b, topic: tea}]"
        },
        ("p", "q"),
        (),
    ),
    "a series": (
        {
            "recipe.yaml": HEAD + "defaults: {publish: {every: day 18:00, start: 2027-03-15,"
            " timezone: Europe/Berlin}}\n"
            "videos: [{id: b, topic: tea}, {id: a, topic: tea}]"
        },
        (),
        (),
    ),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_everything_that_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feature: str) -> None:
    files, profiles, assignments = FEATURES[feature]
    monkeypatch.setenv("SECONDS", "9")
    monkeypatch.setenv("TOPIC", "tea: 'green'")
    path = lay_out(tmp_path / "home", files)
    text = same(path, app.Options(profiles=tuple(profiles), assignments=tuple(assignments)))
    for word in ("include:", "profiles:", "matrix:", "foreach:"):
        assert word not in text


def test_what_is_written_reads_well(tmp_path: Path) -> None:
    recipe = 'include: brand.yaml\ndefaults: {fps: 12}\nvideos:\n  - {id: a, script: "One.\\nTwo.\\n", tags: [no]}\n'
    path = lay_out(tmp_path, {"recipe.yaml": HEAD + recipe, "brand.yaml": "defaults: {style: noir}"})
    assert written(path, app.Options(assignments=("defaults.fps=6",))) == (
        "version: 1\nname: x\ndefaults:\n  style: noir\n  fps: 6\n"
        "videos:\n- id: a\n  script: |\n    One.\n    Two.\n  tags:\n  - 'no'\n"
    )


def test_no_secret_is_written_out_under_whatever_name_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "canary-1:canary-2")
    monkeypatch.setenv("TOPIC", "about canary-2")
    path = lay_out(tmp_path, {"recipe.yaml": HEAD + "videos: [{id: a, topic: '${TOPIC}'}]"})
    with pytest.raises(UsageError) as raised:
        app.expanded(path, app.Options())
    assert str(raised.value) == "this recipe holds what FAL_KEY holds, a secret; it is not shown"
