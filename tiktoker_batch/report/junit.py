"""JUnit XML of a batch's newest run, for the test reporters of CI services: a suite per video, a case per step.

The shape is the one that Jenkins' xUnit schema (``junit-10.xsd``) and Surefire share. It has properties for suites
only, so what a step was done by and cost stands in its case's ``system-out``.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from xml.etree import ElementTree as ET

from tiktoker_batch.report.quantities import one_line
from tiktoker_batch.report.standing import GOOD
from tiktoker_batch.store.state import BatchState, VideoState
from tiktoker_batch.store.step_state import Attempt, StepState

MESSAGE = 300  # characters of an error in the attribute that lists show; the whole of it is in the element

# What XML 1.0 has no way to write, not even as a reference (its production 2, Char).
_NO_CHARACTERS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(state: BatchState, redact: Callable[[str], str] = str) -> str:
    """The newest run as JUnit XML; ``redact`` takes keys out of what others said. Times are seconds."""
    root = ET.Element("testsuites")
    _tell(root, name=state.name, time=_seconds(state.wall_by_run.get(state.runs, 0.0)))
    _count(root, state.steps.values())
    for video in state.videos.values():
        root.append(_suite(video, state, redact))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(video: VideoState, state: BatchState, redact: Callable[[str], str]) -> ET.Element:
    attempts = [attempt for step in video.steps for attempt in _newest(step, state.runs)]
    suite = ET.Element("testsuite")
    _tell(suite, name=video.id, package=state.name, time=_seconds(_lasted(attempts)))
    began = min((attempt.started_at for attempt in attempts if attempt.started_at), default=state.updated_at)
    if began:
        _tell(suite, timestamp=began.replace(tzinfo=None).isoformat(timespec="seconds"))  # UTC, as Surefire has it
    _count(suite, video.steps)
    suite.set("skipped", str(sum(_is_skipped(step) for step in video.steps)))
    suite.append(_properties(video))
    for step in video.steps:
        suite.append(_case(step, state, redact))
    return suite


def _properties(video: VideoState) -> ET.Element:
    services = [step.planned for step in video.steps]
    properties = ET.Element("properties")
    told = {
        "state": video.state,
        "cost_usd": _usd(video.cost_usd),
        "provider": _listed(step.provider for step in services),
        "model": _listed(f"{step.provider}:{step.model}" for step in services if step.model),
        "title": video.title,
        "output": video.output or "",
    }
    for name, value in told.items():
        if value:
            _tell(ET.SubElement(properties, "property"), name=name, value=value)
    return properties


def _case(step: StepState, state: BatchState, redact: Callable[[str], str]) -> ET.Element:
    worked = sum(attempt.worked_seconds for attempt in _newest(step, state.runs))
    case = ET.Element("testcase")
    name = step.id.removeprefix(f"{step.video}/")
    _tell(case, name=name, classname=f"{state.name}.{step.video}", time=_seconds(worked))
    if step.state == "failed":
        message = redact(_message(step))
        failure = ET.SubElement(case, "failure")
        _tell(failure, message=one_line(message, MESSAGE), type=step.error_kind or "Failed")
        failure.text = _written(message)
    elif _is_skipped(step):
        why = f"blocked by {step.blocked_by}" if step.blocked_by else "not done in this run"
        _tell(ET.SubElement(case, "skipped"), message=why)
    ET.SubElement(case, "system-out").text = _written(redact("\n".join(_details(step, state.runs))))
    return case


def _message(step: StepState) -> str:
    last = step.attempts[-1].error_message if step.attempts else None
    return last or step.error_message or "it failed"


def _details(step: StepState, run: int) -> Iterable[str]:
    planned = step.planned
    yield f"state: {step.state}"
    yield f"provider: {planned.provider}"
    if planned.model:
        yield f"model: {planned.model}"
    yield f"cost_usd: {_usd(step.cost_usd)}"
    attempts = _newest(step, run)
    if attempts:
        yield f"waited_seconds: {_seconds(sum(attempt.waited_seconds for attempt in attempts))}"
    if step.request_id:
        yield f"request_id: {step.request_id}"
    for artifact in step.artifacts:
        yield f"artifact: {artifact.path}"
    for attempt in attempts:
        if attempt.error_message:
            kind, message = attempt.error_kind, one_line(attempt.error_message, MESSAGE)
            yield f"attempt {attempt.n} {attempt.outcome}: {kind}: {message}"


def _newest(step: StepState, run: int) -> list[Attempt]:
    return [attempt for attempt in step.attempts if attempt.run == run]


def _lasted(attempts: Iterable[Attempt]) -> float:
    """From the first of these that was queued to the last that ended."""
    spans = [(each.queued, each.ended if each.ended is not None else each.started or each.queued) for each in attempts]
    return max((ended for _, ended in spans), default=0.0) - min((queued for queued, _ in spans), default=0.0)


def _is_skipped(step: StepState) -> bool:
    return step.state not in GOOD | {"failed"}


def _count(element: ET.Element, steps: Iterable[StepState]) -> None:
    states = [step.state for step in steps]
    _tell(element, tests=str(len(states)), failures=str(states.count("failed")), errors="0")


def _tell(element: ET.Element, **values: str) -> None:
    for name, value in values.items():
        element.set(name, _written(value))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _seconds(seconds: float) -> str:
    return f"{max(seconds, 0.0):.3f}"


def _usd(amount: Decimal) -> str:
    return f"{amount:f}"


def _written(text: str) -> str:
    """The text with what XML cannot hold replaced; line ends as XML reads them back."""
    return _NO_CHARACTERS.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
