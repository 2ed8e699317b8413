"""A plan as a comment for a pull request."""

from decimal import Decimal

from tests.values import a_plan, a_step
from tiktoker_batch.model import Plan, Step
from tiktoker_batch.planning.estimate import estimate
from tiktoker_batch.report.markdown import LIMIT
from tiktoker_batch.report.plan_markdown import plan_markdown

CLIP = a_step("v/01/clip", "v/01/image", estimated_cost_usd=Decimal("0.40"))


def shown(plan: Plan, *warnings: str, reused: frozenset[str] = frozenset()) -> str:
    def action(step: Step) -> str:
        return "reuse" if step.id in reused else "run"

    found = estimate(plan, {"fake": 2}, lambda step: action(step) == "run")
    return plan_markdown(plan, found, action, warnings)


def test_videos_totals_warnings_and_folded_steps() -> None:
    text = shown(a_plan([a_step("v/01/image"), CLIP]), "too <b>dear</b>", reused=frozenset({"v/01/image"}))
    assert text.splitlines() == [
        "### Plan of `test`: 1 step, about $0.40, about 1.1 s (0.5 to 2.5)",
        "",
        "- ⚠️ `too <b>dear</b>`",
        "",
        "| video | run | reattach | reuse | skip | cost |",
        "| --- | --: | --: | --: | --: | --: |",
        "| `v` | 1 |  | 1 |  | $0.40 |",
        "",
        (
            "Total: about $0.40 and about 1.1 s (0.5 to 2.5). Bottleneck: `fake`, 2 at once."
            " Critical path: `v: 01/image > 01/clip`."
        ),
        "",
        "<details><summary>1 step</summary>",
        "",
        "| step | action | model | time | cost |",
        "| --- | --- | --- | --: | --: |",
        "| `v/01/clip` | run | `fake:m` | 1.0 s | $0.40 |",
        "",
        "</details>",
    ]


def test_where_nothing_is_to_do_it_says_so() -> None:
    text = shown(a_plan([CLIP, a_step("v/01/image")][1:]), reused=frozenset({"v/01/image"}))
    assert text.startswith("### Plan of `test`: nothing to do\n")
    assert "<details>" not in text


def test_a_large_plan_is_no_longer_than_a_comment_may_be() -> None:
    steps = [
        a_step(f"video-with-a-long-name-{number:04d}/{kind}") for number in range(1500) for kind in ("story", "shots")
    ]
    text = shown(a_plan(steps), *(f"warning {number} " + "w" * 200 for number in range(200)))
    assert LIMIT - 300 < len(text.encode()) <= LIMIT
    assert text.endswith("</details>\n")
    assert text.count(" more") == 3
