"""What a plan warns of."""

from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from tests.values import a_plan, a_step
from tiktoker_batch.model import Budget, Plan
from tiktoker_batch.report.plan_text import budget_warnings

USD = Decimal("0.40")
STEPS = (
    a_step("v/narration", estimated_characters=400),
    a_step("v/01/image"),
    a_step("v/01/clip", estimated_cost_usd=USD, params={"seconds": 4}),
    a_step("w/01/image"),
    structs.replace(a_step("w/02/image"), provider="local"),
)


def plan(**ceilings: object) -> Plan:
    planned = a_plan(STEPS)
    return replace(planned, recipe=replace(planned.recipe, budget=Budget(**ceilings)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ceilings", "warning"),
    [
        ({"max_usd": Decimal("0.39")}, "$0.40 is above budget.max_usd ($0.39)"),
        ({"per_video_usd": Decimal("0.2")}, "$0.40 for 'v' is above budget.per_video_usd ($0.20)"),
        ({"max_clip_seconds": 3.5}, "4 s of clips is above budget.max_clip_seconds (3.5 s of clips)"),
        ({"max_images": 1}, "2 pictures is above budget.max_images (1 picture)"),
        ({"max_characters": 399}, "400 characters is above budget.max_characters (399 characters)"),
    ],
)
def test_an_estimate_above_a_ceiling_is_told(ceilings: dict[str, object], warning: str) -> None:
    assert budget_warnings(plan(**ceilings), lambda _: True) == [f"the estimate of {warning}"]
    assert budget_warnings(plan(**ceilings), lambda step: step.provider == "local") == []


def test_an_estimate_that_just_fits_is_not() -> None:
    exactly = {"max_usd": USD, "per_video_usd": USD, "max_clip_seconds": 4, "max_images": 2, "max_characters": 400}
    assert budget_warnings(plan(**exactly), lambda _: True) == []
    assert budget_warnings(plan(), lambda _: True) == []
