"""JUnit XML: the newest run of a batch in the shape that Jenkins, Surefire, GitLab and GitHub's reporters read."""

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journals import MORNING, Run, golden, steps_of
from tiktoker_batch.redaction import Secrets
from tiktoker_batch.report.junit import junit_xml
from tiktoker_batch.store.state import BatchState, fold

# Elements, what they may hold and the attributes they must and may have, as in Jenkins' junit-10.xsd.
SHAPE: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname", "id", "package", "file"},
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, set()),
    "testcase": ({"skipped", "error", "failure", "system-out", "system-err"}, {"name"}, {"classname", "time"}),
    "failure": (set(), set(), {"type", "message"}),
    "skipped": (set(), set(), {"type", "message"}),
    "system-out": (set(), set(), set()),
}


def assert_shape(element: ET.Element) -> None:
    children, needed, allowed = SHAPE[element.tag]
    assert {child.tag for child in element} <= children
    assert needed <= set(element.keys()) <= needed | allowed
    if "time" in element.attrib:
        assert re.fullmatch(r"[0-9]*(\.[0-9]*)?", element.attrib["time"])
    for child in element:
        assert_shape(child)


def first_run() -> BatchState:
    return fold(record for record in golden() if record.run == 1)


def parsed(state: BatchState, **options: object) -> ET.Element:
    root = ET.fromstring(junit_xml(state, **options).encode())  # type: ignore[arg-type]
    assert_shape(root)
    return root


def case(root: ET.Element, step: str) -> ET.Element:
    video, name = step.split("/", 1)
    found = root.find(f"testsuite[@name='{video}']/testcase[@name='{name}']")
    assert found is not None
    return found


def counts(elements: Iterable[ET.Element], *names: str) -> list[tuple[str, ...]]:
    return [tuple(element.attrib[name] for name in names) for element in elements]


def test_every_video_is_a_suite_and_every_step_a_case() -> None:
    root = parsed(first_run())
    assert counts([root], "name", "tests", "failures", "errors", "time") == [("week12", "25", "2", "0", "48.000")]
    assert counts(root, "name", "tests", "failures", "skipped", "time") == [
        ("mon-detective", "9", "0", "0", "32.000"),
        ("tue-coffee", "9", "1", "0", "47.500"),
        ("wed-fog", "7", "1", "6", "2.000"),
    ]
    assert {suite.attrib["timestamp"] for suite in root} == {"2027-03-15T09:00:00"}


def test_a_case_lasts_as_long_as_its_step_worked() -> None:
    root = parsed(first_run())
    # Two attempts of 3 and 14 s; the waiting before and between them is no work.
    assert case(root, "mon-detective/02/clip").attrib["time"] == "17.000"
    assert case(root, "mon-detective/02/clip").attrib["classname"] == "week12.mon-detective"
    assert case(root, "mon-detective/assembly").attrib["time"] == "4.700"


def test_a_failure_says_what_went_wrong_and_what_could_not_start_is_skipped() -> None:
    root = parsed(first_run())
    failure = case(root, "tue-coffee/02/clip").find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "the provider refuses this content", "type": "Rejected"}
    assert failure.text == "the provider refuses this content"
    skipped = case(root, "wed-fog/shots").find("skipped")
    assert skipped is not None
    assert skipped.attrib == {"message": "blocked by wed-fog/story"}


def test_what_was_paid_to_whom_stands_with_suite_and_case() -> None:
    root = parsed(first_run())
    found = {each.attrib["name"]: each.attrib["value"] for each in root[0].iter("property")}
    assert (found["cost_usd"], found["provider"]) == ("0.85", "elevenlabs, fal, local, openrouter")
    assert "fal:fal-ai/flux/schnell" in found["model"]
    said = case(root, "mon-detective/02/clip").findtext("system-out")
    assert said is not None
    assert said.splitlines() == [
        "state: done",
        "provider: fal",
        "model: fal-ai/veo3.1/fast/image-to-video",
        "cost_usd: 0.45",
        "waited_seconds: 1.000",
        "request_id: req-3",
        "artifact: work/mon-detective/02/clip",
        "attempt 1 retry: RateLimited: the provider asks for patience",
    ]


def test_the_newest_run_counts_and_what_it_reused_took_no_time() -> None:
    root = parsed(fold(golden()))
    assert case(root, "mon-detective/02/clip").attrib["time"] == "0.000"
    assert case(root, "mon-detective/02/clip").find("failure") is None
    skipped = case(root, "tue-coffee/02/clip").find("skipped")  # its run was killed
    assert skipped is not None
    assert skipped.attrib == {"message": "not done in this run"}


@given(message=st.text(st.characters(), max_size=60))
def test_it_is_xml_whatever_a_message_holds(message: str) -> None:
    run = Run(number=1, began=MORNING)
    run.start()
    run.plan("v", steps_of("v", 1), title=message)
    run.begin("v/story", 0, 0)
    run.fail("v/story", 1, "Broken", f"<{message}>")
    run.finish_video("v", 1, "failed", message)
    failure = case(parsed(fold(run.records())), "v/story").find("failure")
    assert failure is not None
    readable = "".join(
        char if re.match("[\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", char) else "\ufffd"
        for char in message.replace("\r\n", "\n").replace("\r", "\n")
    )
    assert failure.text == f"<{readable}>"


@pytest.mark.parametrize("message", ["no entry for sk-canary-1234567890", "sk-can… was refused", "x sk-canary-12"])
def test_no_key_is_in_it_even_if_one_is_in_the_journal(message: str) -> None:
    run = Run(number=1, began=MORNING)
    run.start()
    run.plan("v", steps_of("v", 1))
    run.begin("v/story", 0, 0)
    run.fail("v/story", 1, "Broken", message)
    secrets = Secrets(("sk-canary-1234567890",))
    assert "sk-can" in junit_xml(fold(run.records()))
    assert "sk-can" not in junit_xml(fold(run.records()), secrets.redact)


def test_before_anything_ran_it_is_valid_too() -> None:
    assert parsed(BatchState()).attrib["tests"] == "0"
