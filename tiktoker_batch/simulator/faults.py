"""What goes wrong, by chance or by script: the same seed gives the same troubles to the same requests."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# By what is being done: the troubles that chance may send. Each of them passes, so a batch with patience gets done.
PASSING: Mapping[str, tuple[str, ...]] = {
    "submit": ("lost_reply", "late_reply", "throttled", "overloaded", "gateway_error"),
    "status": ("drop", "error_500", "throttled", "slow"),
    "stream": ("drop", "break"),
    "result": ("drop", "error_500", "slow"),
    "job": ("runner_lost",),
    "media": ("drop", "error_500", "truncated", "slow"),
    "upload": ("error_500",),
    "listing": ("drop", "error_500"),
    "speak": ("lost_reply", "busy", "crowded", "error_500", "slow"),
    "write": ("lost_reply", "throttled", "error_502", "error_in_200", "budget_in_flight"),
}
# Troubles that do not pass by themselves; only a script sends them.
LASTING: Mapping[str, tuple[str, ...]] = {
    "submit": (
        "locked", "unauthorized", "not_found", "invalid", "error_500", "timeout_408", "conflict_409", "nginx_503",
        "start_timeout", "garbage",
    ),
    "status": ("forgotten", "unauthorized", "no_logs"),
    "result": ("expired", "gone"),
    "job": ("content_policy", "flagged", "black", "generation_timeout", "retryable_422", "invalid", "slow", "no_file"),
    "media": ("gone", "no_range", "damaged"),
    "upload": ("token_down", "unauthorized", "too_large"),
    "listing": ("no_payloads", "unauthorized"),
    "speak": (
        "unauthorized", "quota_exceeded", "voice_not_found", "invalid", "no_alignment", "collapsed_alignment",
        "silent_failure",
    ),
    "write": (
        "unauthorized", "no_credits", "moderated", "refused", "too_long", "wrong_count", "not_json", "cut_off",
        "empty", "error_503", "timeout_408",
    ),
}  # fmt: skip
IN_A_ROW = 2  # the most passing troubles that one piece of work meets in succession


@dataclass(slots=True, kw_only=True)
class Scripted:
    """A trouble for the next ``times`` requests of a verb whose subject holds ``match``, after ``skip`` others."""

    verb: str
    kind: str
    times: int = 1
    skip: int = 0
    match: str = ""

    def __post_init__(self) -> None:
        known = (*PASSING.get(self.verb, ()), *LASTING.get(self.verb, ()))
        if self.kind not in known:
            raise ValueError(f"no trouble of {self.verb!r} is called {self.kind!r}; there are: {', '.join(known)}")


@dataclass(kw_only=True)
class Faults:
    """``rate`` is the share of requests that meet a passing trouble; ``script`` comes first."""

    rate: float = 0.0
    seed: int = 0
    script: list[Scripted] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    _row: Counter[tuple[str, str]] = field(default_factory=Counter)

    def draw(self, verb: str, subject: str) -> str | None:
        """The trouble that this request meets; ``subject`` names the piece of work it is about."""
        kind = self._scripted(verb, subject) or self._by_chance(verb, subject)
        if kind is not None:
            self.happened[f"{verb}:{kind}"] += 1
        return kind

    def _scripted(self, verb: str, subject: str) -> str | None:
        for each in self.script:
            if each.verb == verb and each.match in subject and each.times > 0:
                if each.skip > 0:
                    each.skip -= 1
                    continue
                each.times -= 1
                return each.kind
        return None

    def _by_chance(self, verb: str, subject: str) -> str | None:
        if self.rate <= 0:
            return None
        key = (verb, subject)
        self._seen[key] += 1
        rng = random.Random(f"{self.seed}/{verb}/{subject}/{self._seen[key]}")
        if rng.random() >= self.rate or self._row[key] >= IN_A_ROW:
            self._row[key] = 0
            return None
        self._row[key] += 1
        return rng.choice(PASSING[verb])


def scripted_from_json(values: Any) -> list[Scripted]:
    """Troubles as somebody posted them.

    :raises ValueError: they cannot be understood.
    """
    try:
        return [Scripted(**each) for each in values]
    except TypeError as error:
        raise ValueError(str(error)) from None
