"""Taking in what earlier runs paid for: requests that were left open are asked after, and nothing new is bought."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tiktoker_batch.app import Options, history, open_recipe, output_of
from tiktoker_batch.errors import ExitCode, UsageError
from tiktoker_batch.planning.selection import Choice, named_steps, selection_warnings
from tiktoker_batch.recording import Sink
from tiktoker_batch.report.reconcile_text import FoundRequest
from tiktoker_batch.running import run
from tiktoker_batch.store.jobs import OpenJob, each_open, find_job
from tiktoker_batch.store.state import BatchState, fold
from tiktoker_batch.told import recipe_of, told_options

_BESIDE = "it was sent beside another one, which delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What was found, a request each, and the exit code: 0 when nothing is left open.

    ``others`` are open requests that were not selected. ``odd`` are sentences on how it was selected.
    """

    found: tuple[FoundRequest, ...]
    exit_code: ExitCode
    others: int = 0
    odd: tuple[str, ...] = ()


def resumed(target: Path, options: Options | None = None) -> tuple[Path, Options]:
    """The recipe of the batch in an output folder and the options it was run with, laid under those given.

    :raises UsageError: there is no batch, it was rehearsed, or its recipe is not there any more.
    """
    layout = output_of(target, Options())
    state = fold(history(layout))
    if state.rehearsed:
        raise UsageError(f"the batch in {target} was rehearsed", hint=f"tiktoker-batch rehearse {state.recipe}")
    recipe = recipe_of(state, target)
    if recipe is None:
        again = shlex.join(["--output", str(target)])
        hint = f"call this from the folder where it was run, or: tiktoker-batch run RECIPE {again}"
        raise UsageError(f"the recipe {state.recipe} of the batch in {target} is not there", hint=hint)
    return recipe, told_options(state, replace(options or Options(), output=target))


def reconcile(target: Path, options: Options, sinks: Iterable[Sink] = ()) -> Reconciled:
    """Ask after every request that was left open, or those of the selected steps, and take in what is there.

    Nothing is bought. What the batch was told to do of itself last time does not matter.

    :raises UsageError, PreflightError, Locked: nothing was started.
    """
    choice = options.choice
    recipe, options = resumed(target, options) if target.is_dir() else (target, options)
    opened = open_recipe(recipe, replace(options, choice=choice))
    before = fold(history(opened.layout))
    named = named_steps(opened.plan, choice, before.video_states)
    meant = {name: jobs for name, jobs in before.open_jobs.items() if named is None or name in named}
    planned = {step.id for step in opened.plan.steps}
    asked_after = tuple(name for name in meant if name in planned)
    after, code = before, ExitCode.OK
    if asked_after:
        ended = run(opened, replace(options, choice=Choice(select=asked_after), buys=False), sinks)
        after, code = ended.state, ended.exit_code
    found = tuple(_found(name, job, after) for name, job in each_open(meant))
    is_open = any(each.verdict == "open" for each in found)
    ends_well = ExitCode.FAILED if is_open else ExitCode.OK
    return Reconciled(
        found=found,
        exit_code=code if code is ExitCode.INTERRUPTED else ends_well,
        others=sum(1 for _ in each_open(before.open_jobs)) - len(found),
        odd=tuple(selection_warnings(opened.plan, choice)),
    )


def _found(name: str, job: OpenJob, after: BatchState) -> FoundRequest:
    step, now = after.steps.get(name), find_job(after.open_jobs, name, job.token)
    dropped = step is not None and job.request_id is not None and job.request_id in step.dropped
    fetched = step is not None and step.state in {"done", "reused"} and not dropped
    verdict = "open" if now is not None else "fetched" if fetched else "settled"
    return FoundRequest(
        step=name,
        provider=job.provider,
        model=job.model,
        sent_at=job.sent_at,
        price_usd=job.price_usd,
        request_id=(now or job).request_id or (step.request_id if step else None),
        verdict=verdict,
        message=None if verdict == "fetched" else _BESIDE if dropped else _message(name, after),
    )


def _message(name: str, after: BatchState) -> str:
    step = after.steps.get(name)
    if step is None:
        return "the recipe has no such step any more"
    told = [attempt.error_message for attempt in step.attempts if attempt.error_kind != "BudgetExceeded"]
    return next((message for message in reversed(told) if message), "its inputs have changed: it is of no use now")
