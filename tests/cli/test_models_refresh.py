"""``models``: prices refreshed from the platform, and the models that a recipe declares itself."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call
from tests.simulated import FLUX, VEO, a_world
from tiktoker_batch.app import full_catalog
from tiktoker_batch.model import Model, Price
from tiktoker_batch.simulator.server import Simulator, simulate_in_thread

KLING = "fal-ai/kling-video/v2.1/standard/image-to-video"
RETIRED = "fal-ai/flux-lora"
SHOTS = """\
version: 1
name: shots
defaults: {duration: 4, models: {clip: "fal:MODEL"}}
videos: [{id: tea, script: A cup of tea., prompts: [a cup of tea]}]
"""
OWN = """\
version: 1
name: own
models:
  "fal:fal-ai/new/image-to-video": {kind: clip, durations: [4], price: {usd: 0.2}}
  "fal:fal-ai/flux/schnell": {price: {usd: 0.001}}
  "fal:fal-ai/unused": {kind: image}
videos: [{id: tea, topic: tea, duration: 8, models: {clip: "fal:fal-ai/new/image-to-video"}}]
"""


def repriced(name: str, **changes: Any) -> Model:
    model = full_catalog().models[f"fal:{name}"]
    assert model.price is not None
    return replace(model, price=replace(model.price, **changes))


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A platform on which one model has become dearer, one is priced in another way, and one is gone."""
    dearer = repriced(VEO, usd=Decimal("0.13"))
    by_call = replace(repriced(KLING), price=Price(unit="call", usd=Decimal("0.5")))
    world = a_world(models={dearer.ref: dearer, by_call.ref: by_call})
    world.models = {ref: model for ref, model in world.models.items() if model.id != RETIRED}
    with simulate_in_thread(world) as running:
        yield running


@pytest.fixture
def environ(simulator: Simulator, tmp_path: Path) -> dict[str, str]:
    return {**simulator.environ, "TIKTOKER_CACHE_DIR": str(tmp_path / "cache")}


def prices(stdout: str) -> dict[str, Any]:
    return {model["model"]: model["price"] for model in json.loads(stdout)}


# ---------------------------------------------------------------------- refreshed prices


def test_prices_are_refreshed_once_and_serve_every_command_to_come(
    call: Call, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "shots.yaml").write_text(SHOTS.replace("MODEL", VEO), encoding="utf-8")
    assert planned_usd(call, environ) == Decimal("0.40")
    done = call("models", "--refresh-prices", "--format", "json", **environ)
    assert done.returncode == 0
    kept = json.loads((tmp_path / "cache" / "fal-prices.json").read_text(encoding="utf-8"))
    assert kept["prices"][VEO] == {"usd": "0.13", "unit": "second"}
    listed = prices(done.stdout)
    assert (listed[f"fal:{VEO}"]["usd"], listed[f"fal:{VEO}"]["as_of"]) == (0.13, kept["as_of"])
    assert listed[f"fal:{FLUX}"]["source"] == "fal platform API"
    assert listed["local:painter"] is None
    offline = {name: value for name, value in environ.items() if name == "TIKTOKER_CACHE_DIR"}
    assert planned_usd(call, offline) == Decimal("0.52")
    assert prices(call("models", "--format", "json", **offline).stdout) == listed


def planned_usd(call: Call, environ: dict[str, str]) -> Decimal:
    plan = json.loads(call("plan", "shots.yaml", "--format", "json", **environ).stdout)
    steps = [step for video in plan["videos"] for step in video["steps"]]
    return sum((Decimal(str(step["estimated_cost_usd"])) for step in steps), Decimal(0))


def test_what_changed_and_what_was_left_alone_is_said_apart_from_the_list(
    call: Call, tmp_path: Path, environ: dict[str, str]
) -> None:
    done = call("models", "--refresh-prices", "--kind", "clip", **environ)
    said = done.stderr.splitlines()
    assert str(tmp_path / "cache" / "fal-prices.json") in said[0]
    assert f"  fal:{VEO}: $0.10/second? -> $0.13/second?" in said
    assert f"  fal:{KLING}: left as it was: it is priced by 'call', not by 'second'" in said
    assert f"  fal:{RETIRED}: left as it was: the platform tells no price of it" in said
    assert {line.split()[1] for line in done.stdout.splitlines()} == {"clip"}


def test_without_a_key_nothing_is_refreshed(call: Call, tmp_path: Path, environ: dict[str, str]) -> None:
    done = call("models", "--refresh-prices", **{**environ, "FAL_KEY": ""})
    assert done.returncode == 3
    assert "set FAL_KEY" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "cache").exists()


def test_a_refused_key_leaves_the_earlier_prices(
    call: Call, tmp_path: Path, environ: dict[str, str], simulator: Simulator
) -> None:
    kept = tmp_path / "cache" / "fal-prices.json"
    kept.parent.mkdir()
    kept.write_text('{"as_of": "2026-12-24", "prices": {}}', encoding="utf-8")
    simulator.world.keys = frozenset({"another"})
    try:
        done = call("models", "--refresh-prices", **environ)
    finally:
        simulator.world.keys = frozenset()
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "2026-12-24" in kept.read_text(encoding="utf-8")


def test_damaged_prices_stop_everything_but_their_refresh(call: Call, tmp_path: Path, environ: dict[str, str]) -> None:
    kept = tmp_path / "cache" / "fal-prices.json"
    kept.parent.mkdir()
    kept.write_text("{", encoding="utf-8")
    (tmp_path / "shots.yaml").write_text(SHOTS.replace("MODEL", VEO), encoding="utf-8")
    stopped = call("plan", "shots.yaml", **environ)
    assert stopped.returncode == 1
    assert "fal-prices.json cannot be read" in stopped.stderr
    assert "--refresh-prices" in stopped.stderr
    assert call("models", "shots.yaml", "--refresh-prices", **environ).returncode == 0
    assert call("plan", "shots.yaml", **environ).returncode == 0


# ---------------------------------------------------------------------- a recipe's own models


def test_a_recipes_own_models_come_first_then_those_it_uses(call: Call, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    listed = json.loads(call("models", "own.yaml", "--format", "json").stdout)
    assert [(model["model"], model["origin"]) for model in listed] == [
        ("fal:fal-ai/new/image-to-video", "own.yaml"),
        ("fal:fal-ai/flux/schnell", "own.yaml"),
        ("fal:fal-ai/unused", "own.yaml"),
        ("local:writer", "built-in"),
        ("local:painter", "built-in"),
        ("local:hibari", "built-in"),
    ]
    assert listed[1]["price"]["usd"] == 0.001
    first, _, unpriced, *_ = call("models", "own.yaml").stdout.splitlines()
    assert first.split(maxsplit=3)[2:] == ["$0.2/second", "4 s; (own.yaml)"]
    assert "no price" in unpriced


def test_a_limit_may_name_a_model_of_the_recipes_own(call: Call, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    assert call("plan", "own.yaml", "--limit", "fal:fal-ai/new/image-to-video=1", FAL_KEY="a:b").returncode == 0
    near = call("plan", "own.yaml", "--limit", "fal:fal-ai/new/image-to-vidio=1", FAL_KEY="a:b")
    assert near.returncode == 2
    assert "did you mean 'fal:fal-ai/new/image-to-video'?" in near.stderr
