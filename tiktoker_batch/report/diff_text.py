"""A plan against that of the last run, as text: what is new, gone or changed, and why."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from tiktoker_batch.model import Json
from tiktoker_batch.planning.difference import CHANGES, TO_DO, Difference, StepChange, VideoChange
from tiktoker_batch.planning.ingredients import is_digest
from tiktoker_batch.recipe.suggest import listed
from tiktoker_batch.report.quantities import columns, counted, one_line, usd_text
from tiktoker_batch.store.state import BatchState

MARKS = {"added": "+", "removed": "-", "changed": "~", "kept": "="}
MOST_TABLES = 12  # of more videos than these each gets a line
_NAMES = 3  # as many steps are named as a cause


def diff_text(difference: Difference, before: BatchState, name: str, output: str, to_pay: Decimal) -> str:
    """The whole difference; ``to_pay`` is what a run would cost now."""
    told = [video for video in difference.videos if has_news(video)]
    lines = [headline(difference, before, name, output), ""]
    if len(told) > MOST_TABLES:
        lines += columns([[MARKS[video.change], video.id, *summary(video)] for video in told])
    else:
        for video in told:
            lines += _table(video)
    return "\n".join([*lines, *([""] if told else []), *totals(difference, to_pay)])


def headline(difference: Difference, before: BatchState, name: str, output: str) -> str:
    """What is compared with what, and how many videos are what."""
    if not before.runs:
        return f"{name}: nothing was run in {output} yet, so everything is new"
    when = f"{before.updated_at:%Y-%m-%d %H:%M} UTC" if before.updated_at else "unknown time"
    videos = _counts(difference, "videos")
    return f"{name} against run {before.runs} of {when} ({before.state}): videos {videos}"


def totals(difference: Difference, to_pay: Decimal) -> list[str]:
    """Steps and money of the whole batch."""
    then, now = difference.usd_before, difference.usd_after
    changed = f" ({signed(now - then)})" if now != then else ""
    return [
        f"steps: {_counts(difference, 'steps')}; {sum(step.action in TO_DO for step in difference.steps)} to do",
        f"the whole batch: {usd_text(then)} by the last plan, {usd_text(now)} by this one{changed}",
        f"to pay now: {usd_text(to_pay)}",
    ]


def signed(amount: Decimal) -> str:
    """``+$0.40``, ``-$0.40``."""
    return f"{'-' if amount < 0 else '+'}{usd_text(abs(amount))}"


def has_news(video: VideoChange) -> bool:
    """Whether there is anything to tell of a video: a change, or work that is done again."""
    return video.change != "kept" or any(step.again for step in video.steps)


def summary(video: VideoChange) -> list[str]:
    """A video in three words: how many steps, why, and how much more or less it costs."""
    news = [step for step in video.steps if step.change != "kept" or step.again]
    whole = {"added", "removed"} & {video.change}
    names = dict.fromkeys(part.name for step in news for part in step.parts)
    again = dict.fromkeys(step.again for step in news if step.again and " is done again" not in step.again)
    why = "" if whole else listed([*names, *again], "and", at_most=6)
    count = counted(len(news), "step") if whole else f"{len(news)} of {counted(len(video.steps), 'step')}"
    return [f"{video.change} {count}" if not whole else f"{video.change}: {count}", why, _cost(video)]


def why_text(steps: Sequence[StepChange]) -> str:
    """Why these steps, which changed alike, are not what they were."""
    first = steps[0]
    if first.again:
        return first.again
    words = [_part(part.name, part.before, part.after) for part in first.parts]
    because = dict.fromkeys(short(cause, first.id) for step in steps for cause in step.because_of)
    words += [f"because of {listed(because, 'and', at_most=_NAMES)}"] if because else []
    if first.change == "changed" and first.unknown:
        words.append("and perhaps more: the last run did not write down what it was made of" if words else _UNKNOWN)
    return "; ".join(words)


_UNKNOWN = "the last run did not write down what it was made of"


def short(step: str, beside: str) -> str:
    """A step's id as one of the same video calls it."""
    video, _, rest = step.partition("/")
    return rest if beside.startswith(f"{video}/") else step


def _part(name: str, before: Json, after: Json) -> str:
    if name == "needs":
        assert isinstance(before, list)
        assert isinstance(after, list)
        gone, new = ([str(need).partition("/")[2] for need in each] for each in (before, after))
        words = [f"no more needs {listed(gone, 'and', at_most=_NAMES)}"] if gone else []
        return ", ".join([*words, *([f"needs {listed(new, 'and', at_most=_NAMES)} too"] if new else [])])
    if is_digest(before) or is_digest(after):
        return f"{name} {'is new' if before is None else 'is gone' if after is None else 'changed'}"
    return f"{name} {_shown(before)} -> {_shown(after)}"


def _shown(value: Json) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else one_line(str(value), 60)


def _counts(difference: Difference, what: str) -> str:
    counts = difference.counts()[what]
    return ", ".join(f"{counts[change]} {change}" for change in CHANGES if counts[change])


def _cost(video: VideoChange) -> str:
    return signed(video.usd) if video.usd else ""


# ---------------------------------------------------------------------- one video


def _table(video: VideoChange) -> list[str]:
    count, _, cost = summary(video)
    lines = [f"{MARKS[video.change]} {video.id}  {count}{f', {cost}' if cost else ''}"]
    if video.change in {"added", "removed"}:
        return lines
    rows = [[MARKS[group[0].change], _name(group, video.id), why_text(group)] for group in groups(video.steps)]
    return [*lines, *columns(rows, indent=4)]


def groups(steps: Iterable[StepChange]) -> list[list[StepChange]]:
    """The steps of which something is to be told, those that changed alike together, in order of work."""
    found: dict[object, list[StepChange]] = {}
    for step in steps:
        if step.change == "kept" and not step.again:
            continue
        again = " is done again" if " is done again" in step.again else step.again
        parts = tuple(_part(part.name, part.before, part.after) for part in step.parts)
        found.setdefault((step.kind, step.change, parts, bool(step.because_of), step.unknown, again), []).append(step)
    return list(found.values())


def _name(steps: Sequence[StepChange], video: str) -> str:
    if len(steps) == 1:
        return steps[0].id.removeprefix(f"{video}/")
    return f"{steps[0].kind} x{len(steps)}"
