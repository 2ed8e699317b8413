"""What goes wrong, by chance or by script: the same seed gives the same troubles to the same requests."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# By what is being done: the troubles that chance may send. Each of them passes, so a batch with patience gets done.
PASSING: Mapping[str, tuple[str, ...]] = {
    "submit": (
        "lost_reply", "late_reply", "gateway_error",  # taken all the same
        "dropped", "error_500", "nginx_503", "timeout_408", "conflict_409",  # not taken, though nobody can tell
        "throttled", "overloaded",
    ),
    "status": ("drop", "error_500", "throttled", "slow"),
    "stream": ("drop", "break"),
    "result": ("drop", "error_500", "slow"),
    "job": ("runner_lost",),
    "media": ("drop", "error_500", "truncated", "slow"),
    "upload": ("error_500",),
    "listing": ("drop", "error_500"),
    "speak": ("lost_reply", "busy", "crowded", "error_500", "slow"),
    "write": ("lost_reply", "throttled", "error_502", "error_in_200", "budget_in_flight"),
}  # fmt: skip
# Troubles that do not pass by themselves; only a script sends them.
LASTING: Mapping[str, tuple[str, ...]] = {
    "submit": ("locked", "unauthorized", "not_found", "invalid", "start_timeout", "garbage"),
    "status": ("forgotten", "unauthorized", "no_logs"),
    "result": ("expired", "gone"),
    "job": ("content_policy", "flagged", "black", "generation_timeout", "retryable_422", "invalid", "slow", "no_file"),
    "media": ("gone", "no_range", "damaged"),
    "upload": ("token_down", "unauthorized", "too_large"),
    "cancel": ("ignored",),
    "listing": ("no_payloads", "unauthorized", "finished_only"),
    "speak": (
        "unauthorized", "quota_exceeded", "voice_not_found", "invalid", "no_alignment", "collapsed_alignment",
        "silent_failure",
    ),
    "write": (
        "unauthorized", "no_credits", "moderated", "refused", "too_long", "wrong_count", "not_json", "cut_off",
        "empty", "error_503", "timeout_408",
    ),
}  # fmt: skip
MOST = 2  # passing troubles of a verb that one piece of work meets by chance
_FORMS = {"times": int, "skip": int, "match": str}
_ASKED_AGAIN = frozenset({"status", "stream"})  # asked over and over: there it is the most in a row


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
    """``rate`` is the share of requests that meet a passing trouble; ``script`` comes first.

    Chance goes by what is asked for and how often it was asked before, never by the order in which different things
    are asked for.
    """

    rate: float = 0.0
    seed: int = 0
    script: list[Scripted] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    _asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    _met: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def draw(self, verb: str, subject: str, name: str = "") -> str | None:
        """The trouble that this request meets.

        ``subject`` is what it is about, in words that are the same in every run; ``name`` tells it apart from others
        of that subject where something does: a job's id, a file's name.
        """
        kind = self._scripted(verb, f"{subject} {name}") or self._by_chance(verb, subject, name)
        if kind is not None:
            self.happened[f"{verb}:{kind}"] += 1
        return kind

    def _scripted(self, verb: str, text: str) -> str | None:
        for each in self.script:
            if each.verb == verb and each.match in text and each.times > 0:
                if each.skip > 0:
                    each.skip -= 1
                    continue
                each.times -= 1
                return each.kind
        return None

    def _by_chance(self, verb: str, subject: str, name: str) -> str | None:
        kinds = PASSING.get(verb, ())
        if self.rate <= 0 or not kinds:
            return None
        self._asked[verb, subject] += 1
        rng = random.Random(f"{self.seed}/{verb}/{subject}/{self._asked[verb, subject]}")
        work = (verb, subject, name)
        if rng.random() >= self.rate or self._met[work] >= MOST:
            if verb in _ASKED_AGAIN:
                self._met[work] = 0
            return None
        self._met[work] += 1
        return rng.choice(kinds)


def scripted_from_json(values: Any) -> list[Scripted]:
    """Troubles as somebody posted them.

    :raises ValueError: they cannot be understood.
    """
    try:
        scripted = [Scripted(**each) for each in values]
    except TypeError as error:
        raise ValueError(str(error)) from None
    for each in scripted:
        for name, kind in _FORMS.items():
            if type(getattr(each, name)) is not kind:
                raise ValueError(f"{name} is {kind.__name__}, not {getattr(each, name)!r}")
    return scripted
