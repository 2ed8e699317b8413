"""What an answer of a service means for the work and the money behind it: one table, first match wins.

A provider reads its service's answers into a :class:`Signal`; nothing else decides whether something is tried again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tiktoker_batch.errors import (
    AuthFailed,
    BadRequest,
    Broken,
    Crowded,
    ProviderError,
    RateLimited,
    Rejected,
    ResultLost,
    Unavailable,
    Unfetched,
    UnknownOutcome,
)


class Verb(StrEnum):
    """What was being done. ``FAILURE`` reads the answer of a job that its service has called failed."""

    SUBMIT = "submit"
    STATUS = "status"
    RESULT = "result"
    FAILURE = "failure"
    MEDIA = "media"
    UPLOAD = "upload"
    LOOKUP = "lookup"
    SPEAK = "speak"
    WRITE = "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An answer, or its absence (``status`` is then ``None``; ``sent`` tells whether the request had left).

    ``code`` is the service's own word for the trouble; ``retryable`` what it says about trying again;
    ``retry_after`` is in seconds. ``of_model``: it speaks of the model that was asked for, not of the account.
    """

    verb: Verb
    message: str
    status: int | None = None
    sent: bool = True
    code: str | None = None
    retryable: bool | None = None
    retry_after: float | None = None
    of_model: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A row: every column that is not ``None`` must agree. ``statuses`` is a range that includes both ends."""

    verbs: frozenset[Verb] | None = None
    sent: bool | None = None
    lost: bool | None = None
    statuses: tuple[int, int] | None = None
    codes: frozenset[str] | None = None
    retryable: bool | None = None
    throttled: bool | None = None
    error: type[ProviderError]

    def fits(self, signal: Signal) -> bool:
        """Whether the row is about this signal."""
        return all(
            (
                self.verbs is None or signal.verb in self.verbs,
                self.sent is None or signal.sent == self.sent,
                self.lost is None or (signal.status is None) == self.lost,
                self.statuses is None or _within(signal.status, self.statuses),
                self.codes is None or signal.code in self.codes,
                self.retryable is None or signal.retryable == self.retryable,
                self.throttled is None or (signal.retry_after is not None) == self.throttled,
            )
        )


def _within(status: int | None, bounds: tuple[int, int]) -> bool:
    return status is not None and bounds[0] <= status <= bounds[1]


def _of(*verbs: Verb) -> frozenset[Verb]:
    return frozenset(verbs)


LOCKED = "locked"  # the code of an account that says so itself
CONTENT = frozenset({"content_policy_violation", "refusal", "invalid_prompt", "moderation", "guardrail"})
# The names under which fal reports trouble of its own machines; a 5xx is not charged there.
INFRASTRUCTURE = frozenset({
    "request_timeout", "startup_timeout", "runner_scheduling_failure", "runner_connection_timeout",
    "runner_disconnected", "runner_connection_refused", "runner_connection_error", "runner_incomplete_response",
    "runner_server_error", "internal_error",
})  # fmt: skip
PASSING = frozenset({"generation_timeout", "downstream_service_error", "downstream_service_unavailable"})
# Codes that only a job's own failure has: where its result is asked for, they are that failure, told again.
REPLAYED = (CONTENT | INFRASTRUCTURE | PASSING) - {"internal_error"}
CROWDED = frozenset({"concurrent_limit_exceeded", "too_many_concurrent_requests"})
_SUBMIT, _ANY_4XX, _ANY_5XX = _of(Verb.SUBMIT), (400, 499), (500, 599)

RULES: tuple[Rule, ...] = (
    # Fetching what was made: trouble with that, of whatever kind, is never a reason to buy again.
    Rule(verbs=_of(Verb.RESULT, Verb.MEDIA), sent=False, error=Unfetched),
    # Nothing left this machine: whatever else it was, it may be done again.
    Rule(sent=False, error=Unavailable),
    # ---- a paid submit to a queue
    Rule(verbs=_SUBMIT, lost=True, error=UnknownOutcome),
    Rule(verbs=_SUBMIT, statuses=(200, 299), error=UnknownOutcome),  # accepted, but its answer cannot be read
    Rule(verbs=_SUBMIT, statuses=(429, 429), error=RateLimited),
    Rule(verbs=_SUBMIT, statuses=(503, 503), throttled=True, error=RateLimited),
    Rule(verbs=_SUBMIT, statuses=(503, 503), codes=INFRASTRUCTURE, error=RateLimited),
    Rule(verbs=_SUBMIT, statuses=(504, 504), codes=frozenset({"user_timeout"}), error=Unavailable),
    Rule(verbs=_SUBMIT, statuses=_ANY_5XX, error=UnknownOutcome),
    Rule(verbs=_SUBMIT, statuses=(408, 409), error=UnknownOutcome),
    Rule(verbs=_SUBMIT, statuses=(401, 403), error=AuthFailed),
    Rule(verbs=_SUBMIT, codes=CONTENT, error=Rejected),
    Rule(verbs=_SUBMIT, statuses=_ANY_4XX, error=BadRequest),
    # ---- asking after a job that was paid for: never a reason to pay again
    Rule(verbs=_of(Verb.STATUS), statuses=(401, 403), error=AuthFailed),
    Rule(verbs=_of(Verb.STATUS), statuses=(404, 404), error=ResultLost),
    Rule(verbs=_of(Verb.STATUS), statuses=(429, 429), error=RateLimited),
    Rule(verbs=_of(Verb.STATUS), error=Unavailable),
    Rule(verbs=_of(Verb.RESULT), statuses=(401, 403), error=AuthFailed),
    Rule(verbs=_of(Verb.RESULT), statuses=(404, 404), error=ResultLost),
    Rule(verbs=_of(Verb.RESULT), statuses=(410, 410), error=ResultLost),
    Rule(verbs=_of(Verb.RESULT), error=Unfetched),
    # ---- a job that its service calls failed
    Rule(verbs=_of(Verb.FAILURE), codes=CONTENT, error=Rejected),
    Rule(verbs=_of(Verb.FAILURE), retryable=True, error=Unavailable),
    Rule(verbs=_of(Verb.FAILURE), codes=PASSING | INFRASTRUCTURE, error=Unavailable),
    Rule(verbs=_of(Verb.FAILURE), statuses=_ANY_5XX, retryable=False, error=Broken),
    Rule(verbs=_of(Verb.FAILURE), statuses=_ANY_5XX, error=Unavailable),
    Rule(verbs=_of(Verb.FAILURE), statuses=(401, 403), error=AuthFailed),
    Rule(verbs=_of(Verb.FAILURE), error=BadRequest),
    # ---- fetching what was made: the same address again, never a new one
    Rule(verbs=_of(Verb.MEDIA), statuses=(403, 404), error=ResultLost),
    Rule(verbs=_of(Verb.MEDIA), statuses=(410, 410), error=ResultLost),
    Rule(verbs=_of(Verb.MEDIA), error=Unfetched),
    # ---- free of charge, harmless to repeat
    Rule(verbs=_of(Verb.UPLOAD, Verb.LOOKUP), statuses=(401, 403), error=AuthFailed),
    Rule(verbs=_of(Verb.UPLOAD), statuses=(413, 413), error=BadRequest),
    Rule(verbs=_of(Verb.LOOKUP), statuses=(404, 404), error=ResultLost),
    Rule(verbs=_of(Verb.UPLOAD, Verb.LOOKUP), error=Unavailable),
    # ---- speech in one shot: an answer that never came may have been paid for
    Rule(verbs=_of(Verb.SPEAK), lost=True, error=UnknownOutcome),
    Rule(verbs=_of(Verb.SPEAK), statuses=(408, 409), error=UnknownOutcome),
    Rule(verbs=_of(Verb.SPEAK), codes=CROWDED, error=Crowded),
    Rule(verbs=_of(Verb.SPEAK), statuses=(429, 429), error=RateLimited),
    Rule(verbs=_of(Verb.SPEAK), statuses=(401, 403), error=AuthFailed),  # 401 is also an exhausted quota
    Rule(verbs=_of(Verb.SPEAK), codes=CONTENT, error=Rejected),
    Rule(verbs=_of(Verb.SPEAK), statuses=_ANY_4XX, error=BadRequest),
    Rule(verbs=_of(Verb.SPEAK), error=UnknownOutcome),
    # ---- texts in one shot: cheap, so tried again
    Rule(verbs=_of(Verb.WRITE), lost=True, error=UnknownOutcome),
    Rule(verbs=_of(Verb.WRITE), codes=CONTENT, error=Rejected),
    Rule(verbs=_of(Verb.WRITE), statuses=(401, 401), error=AuthFailed),
    Rule(verbs=_of(Verb.WRITE), statuses=(402, 402), codes=frozenset({"weight_exceeds_budget"}), error=BadRequest),
    Rule(verbs=_of(Verb.WRITE), statuses=(402, 402), throttled=True, error=RateLimited),
    Rule(
        verbs=_of(Verb.WRITE), statuses=(402, 402), codes=frozenset({"in_flight_budget_exhausted"}), error=RateLimited
    ),
    Rule(verbs=_of(Verb.WRITE), statuses=(402, 402), error=AuthFailed),
    Rule(verbs=_of(Verb.WRITE), statuses=(403, 403), codes=frozenset({"permission_denied"}), error=AuthFailed),
    Rule(verbs=_of(Verb.WRITE), statuses=(403, 403), error=Rejected),
    Rule(verbs=_of(Verb.WRITE), statuses=(408, 408), error=Unavailable),
    Rule(verbs=_of(Verb.WRITE), statuses=(429, 429), error=RateLimited),
    Rule(verbs=_of(Verb.WRITE), statuses=_ANY_5XX, error=Unavailable),
    Rule(verbs=_of(Verb.WRITE), error=BadRequest),
)
# What may have cost something although nothing came of it. An account that may not ask any more has paid all the same.
MAYBE_CHARGED: tuple[tuple[Verb, type[ProviderError]], ...] = (
    (Verb.FAILURE, Rejected),
    (Verb.FAILURE, BadRequest),
    (Verb.RESULT, ResultLost),
    (Verb.RESULT, AuthFailed),
    (Verb.STATUS, ResultLost),
    (Verb.STATUS, AuthFailed),
    (Verb.MEDIA, ResultLost),
    (Verb.RESULT, Unfetched),
    (Verb.MEDIA, Unfetched),
    (Verb.LOOKUP, ResultLost),
    (Verb.LOOKUP, AuthFailed),
)


def error_type(signal: Signal, rules: Iterable[Rule] = RULES) -> type[ProviderError]:
    """The row's verdict on a signal; one that no row is about cannot be understood and is not repeated."""
    return next((rule.error for rule in rules if rule.fits(signal)), Broken)


def error_for(provider: str, signal: Signal) -> ProviderError:
    """The error of a signal, in words."""
    kind = error_type(signal)
    charged = kind is UnknownOutcome or (signal.verb, kind) in MAYBE_CHARGED or _is_worked_on(signal)
    error = kind(f"{provider}: {signal.message}", retry_after=signal.retry_after, maybe_charged=charged)
    error.code, error.unreachable = signal.code, not signal.sent
    # What fal's runners refuse is refused by those of one model.
    error.of_model = signal.of_model or signal.code in INFRASTRUCTURE
    if isinstance(error, UnknownOutcome):
        error.answered = signal.verb is Verb.SPEAK and _is_refusal(signal.status)
    return error


def _is_worked_on(signal: Signal) -> bool:
    """Whether a runner may have worked for this failure: fal may charge for a 422 then, never for a 5xx."""
    return signal.verb is Verb.FAILURE and signal.status == 422


def _is_refusal(status: int | None) -> bool:
    """Whether the service itself has said no; a gateway's or a time limit's words say nothing of what it did."""
    return status is not None and status >= 400 and status not in {408, 409, 502, 504}
