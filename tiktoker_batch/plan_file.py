"""Plans that are approved first and run later: written to a file, and refused when they do not hold any more."""

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tiktoker_batch.app import Options
from tiktoker_batch.errors import PlanError, UsageError
from tiktoker_batch.planning.view import FORMAT
from tiktoker_batch.previewing import Preview
from tiktoker_batch.store.artifacts import write_atomic

MOST_DIFFERENCES = 12  # as many are named; whoever needs more makes a new plan

Json = Mapping[str, Any]


def write_plan(file: Path, preview: Preview, options: Options) -> None:
    """Write a plan as JSON: that of ``plan --format json``, with the recipe's digest and the options it was made with.

    :raises TiktokerError: the disk refuses.
    """
    write_atomic(file, json.dumps(_document(preview, options), indent=2) + "\n")


def require_same_plan(file: Path, preview: Preview, options: Options) -> None:
    """Let nothing run that is not what was planned; how long it is estimated to take may differ.

    :raises UsageError: the file is no plan.
    :raises PlanError: it is stale; says what has changed.
    """
    before = _read(file)
    now = json.loads(json.dumps(_document(preview, options)))
    found = list(_differences(before, now))
    if found:
        lines = [f"  {each}" for each in found[:MOST_DIFFERENCES]]
        lines += [f"  and {len(found) - MOST_DIFFERENCES} more"] if len(found) > MOST_DIFFERENCES else []
        command = shlex.join(["tiktoker-batch", "plan", preview.opened.recipe.path, "--out", str(file)])
        hint = f"nothing was started; look at a new one: {command}"
        raise PlanError("\n".join([f"the plan {file} is stale:", *lines]), hint=hint)


def _document(preview: Preview, options: Options) -> dict[str, Any]:
    opened, choice = preview.opened, options.choice
    ceiling = opened.recipe.budget.max_usd
    made_with = {
        "profiles": list(options.profiles),
        "set": list(options.assignments),
        "limits": dict(sorted(options.limits.items())),
        "budget": None if ceiling is None else str(ceiling),
        "select": list(choice.select),
        "exclude": list(choice.exclude),
        "until": choice.until,
        "shard": str(choice.shard) if choice.shard else None,
        "force": list(options.force),
        "cache": options.cache,
    }
    return {**preview.to_json(), "recipe_sha256": opened.recipe.sha256, "options": made_with}


def _read(file: Path) -> Json:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the plan {file}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        found = None
    if not _is_plan(found):
        raise UsageError(f"{file} is no plan", hint=f"make one: tiktoker-batch plan RECIPE --out {file}")
    plan: Json = found
    return plan


def _is_plan(found: Any) -> bool:
    """Whether it has the parts that are compared; what is in them is seen then."""
    try:
        return found["format"] == FORMAT and all(
            [isinstance(found[part], dict) for part in ("batch", "options", "totals")]
            + [isinstance(step["id"], str) for video in found["videos"] for step in video["steps"]]
        )
    except (LookupError, TypeError):
        return False


# ---------------------------------------------------------------------- what has changed


def _differences(before: Json, now: Json) -> Iterator[str]:
    for key in ("name", "output"):
        yield from _differs(f"the batch's {key}", before["batch"].get(key), now["batch"][key])
    for key, value in now["options"].items():
        yield from _differs(f"--{key}" if key != "cache" else "the cache", before["options"].get(key), value)
    if before.get("recipe_sha256") != now["recipe_sha256"]:
        yield "the recipe's text, or that of a file which it is made of, has changed"
    steps = list(_step_differences(_steps(before), _steps(now)))
    yield from steps
    if not steps:
        costs = (plan["totals"].get("estimated_cost_usd") for plan in (before, now))
        yield from _differs("the estimated cost in USD", *costs)


def _steps(plan: Json) -> dict[str, Json]:
    return {step["id"]: step for video in plan["videos"] for step in video["steps"]}


def _step_differences(before: Mapping[str, Json], now: Mapping[str, Json]) -> Iterator[str]:
    for name in (name for name in before if name not in now):
        yield f"{name}: the recipe has no such step any more"
    for name, step in now.items():
        was = before.get(name)
        if was is None:
            yield f"{name}: is new"
            continue
        if was.get("key") != step["key"]:
            yield f"{name}: what it is made from has changed"
        yield from _differs(f"{name}: what is done", was.get("action"), step["action"])
        yield from _differs(f"{name}: its cost in USD", was.get("estimated_cost_usd"), step["estimated_cost_usd"])


def _differs(what: str, before: object, now: object) -> Iterator[str]:
    if before != now:
        yield f"{what}: {_said(before)} then, {_said(now)} now"


def _said(value: object) -> str:
    if value in (None, [], {}):
        return "none"
    return value if isinstance(value, str) else json.dumps(value)
