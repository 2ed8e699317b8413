"""Markdown for pages of CI services: nothing in it means more than it says, and it is never too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journals import MORNING, Run, golden, steps_of
from tiktoker_batch.report.markdown import LIMIT, code, fitted
from tiktoker_batch.report.run_markdown import run_markdown
from tiktoker_batch.store.state import BatchState, fold


def first_run() -> BatchState:
    return fold(record for record in golden() if record.run == 1)


def test_a_run_is_summed_up_with_its_failures_first() -> None:
    state = first_run()
    assert run_markdown(state, state.spent_usd).splitlines() == [
        "## `week12`: partial",
        "",
        "3 videos: 1 done, 1 partial, 1 failed. 48.0 s, $1.25 spent.",
        "",
        "### Failures",
        "",
        (
            "- `tue-coffee/02/clip`: `the provider refuses this content`; the provider refuses this content: change "
            "its topic, script or prompt, and run again"
        ),
        (
            "- `wed-fog/story`: `the account is not usable: wed-fog`; 6 steps could not start because of this; check "
            "the key of this provider and its balance ('tiktoker-batch doctor'), and run again"
        ),
        "",
        "| video | state | length | cost |",
        "| --- | --- | --: | --: |",
        "| `mon-detective` | done | 30.2 s | $0.85 |",
        "| `tue-coffee` | partial | 30.2 s | $0.40 |",
        "| `wed-fog` | failed |  | $0.00 |",
    ]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("two\nlines\x1b[31m", "`two lines\ufffd[31m`"),
        ("a `tick`", "`` a `tick` ``"),
        ("``", "``` `` ```"),
        ("a|b", "`a\u2223b`"),
        ("  ", ""),
    ],
)
def test_a_text_is_a_code_span_whatever_is_in_it(text: str, span: str) -> None:
    assert code(text) == span


@given(text=st.text(min_size=1))
def test_no_text_leaves_its_span(text: str) -> None:
    span = code(text)
    fence = span[: len(span) - len(span.lstrip("`"))]
    inner = span[len(fence) : len(span) - len(fence)] if span else ""
    assert "|" not in span
    assert "\n" not in span
    assert fence == "" or fence not in inner.replace("`" * (len(fence) + 1), "")


@given(lines=st.lists(st.text(max_size=40), max_size=30), room=st.integers(60, 400))
def test_what_is_fitted_fits_and_nothing_is_lost_silently(lines: list[str], room: int) -> None:
    found = fitted(lines, room, "and {} more")
    assert len("\n".join([*found, ""]).encode(errors="replace")) <= room
    if found != lines:
        assert found == [*lines[: len(found) - 1], f"and {len(lines) - len(found) + 1} more"]


def test_a_large_batch_with_long_errors_stays_within_the_limit() -> None:
    run = Run(number=1, began=MORNING)
    run.start()
    for number in range(1500):
        name = f"a-video-with-quite-a-long-name-{number}"
        run.plan(name, steps_of(name, 1)[:1])
        run.begin(f"{name}/story", 0, 0)
        run.fail(f"{name}/story", 1, "Broken", f"{number} " + "ü" * 500)
        run.finish_video(name, 1, "failed")
    text = run_markdown(fold(run.records()), first_run().spent_usd)
    assert LIMIT - 200 < len(text.encode()) <= LIMIT
    assert text.splitlines()[-1].startswith("| and ")
