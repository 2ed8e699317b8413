"""fal's unhappy answers, in its two shapes: a list of what is wrong with an input, or words and an error type."""

from collections.abc import Mapping
from typing import Any

from tiktoker_batch.simulator.http import DROPPED, Reply

LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
RUNNER_LOST = {"detail": "The runner disconnected while it was working.", "error_type": "runner_disconnected"}
INTERNAL = {"detail": "Internal Server Error", "error_type": "internal_error"}
CANCELLED = {"detail": "Request was cancelled"}
IN_PROGRESS = {"detail": "Request is still in progress"}


def detail(where: str, kind: str, message: str, **context: Any) -> dict[str, Any]:
    """The body that says what is wrong with one field of an input, or with all of it."""
    found: dict[str, Any] = {
        "loc": ["body", where] if where else ["body"],
        "msg": message,
        "type": kind,
        "url": f"https://docs.fal.ai/errors#{kind}",
    }
    return {"detail": [found | ({"ctx": context} if context else {})]}


def _of_its_own(status: int, kind: str, message: str, **headers: str) -> Reply:
    """A refusal by fal's own machines, which give every request an id."""
    own = {"x-fal-error-type": kind, "x-fal-request-id": "00000000-0000-4000-8000-000000000000"}
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body={"detail": message, "error_type": kind}, headers={**own, **more})


_HTML = {"content-type": "text/html"}
# The replies to submits that are not accepted.
REFUSALS: Mapping[str | None, Reply] = {
    "dropped": DROPPED,
    "throttled": Reply(status=429, body={"detail": "Too many requests"}, headers={"retry-after": "2"}),
    "overloaded": _of_its_own(503, "runner_scheduling_failure", "No runner could be scheduled."),
    "locked": Reply(status=403, body={"detail": LOCKED}),
    "unauthorized": Reply(status=401, body={"detail": "No user found for Key ID and Secret"}),
    "not_found": Reply(status=404, body={"detail": "Application not found"}),
    "invalid": Reply(status=422, body=detail("prompt", "missing", "Field required")),
    "error_500": Reply(status=500, body={"detail": "Internal Server Error"}),
    "timeout_408": Reply(status=408, body={"detail": "Request Timeout"}),
    "conflict_409": Reply(status=409, body={"detail": "Conflict"}),
    "nginx_503": Reply(status=503, body=b"<html>503 nginx</html>", headers=_HTML),
    "start_timeout": _of_its_own(504, "request_timeout", "Request timed out", x_fal_request_timeout_type="user"),
}
# Those to submits that are accepted all the same.
GARBLED: Mapping[str | None, Reply] = {
    "lost_reply": DROPPED,
    "gateway_error": Reply(status=502, body=b"<html>502 Bad Gateway nginx</html>", headers=_HTML),
    "garbage": Reply(body=b"<html>"),
}
