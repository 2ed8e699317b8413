"""Reading fal's unhappy answers: two shapes of body, three headers."""

from collections.abc import Mapping
from typing import Any

import httpx

from tiktoker_batch.providers.http import body_of, retry_after
from tiktoker_batch.providers.policy import LOCKED, Signal, Verb
from tiktoker_batch.providers.text import first_text

_LOCKED = "User is locked"  # the only sign by which fal tells a locked account from a forbidden model


def read_answer(verb: Verb, response: httpx.Response) -> Signal:
    """A response as a signal: model errors are a list under ``detail``, trouble of the platform is text."""
    body = body_of(response)
    headers = response.headers
    code, message = describe(body)
    code = code or headers.get("x-fal-error-type")
    if headers.get("x-fal-request-timeout-type") == "user":
        code = "user_timeout"
    if response.status_code == 403 and (message or "").startswith(_LOCKED):
        code = LOCKED
    told = headers.get("x-fal-retryable") or headers.get("x-fal-needs-retry")
    return Signal(
        verb=verb,
        status=response.status_code,
        code=code,
        message=f"{response.status_code} {message or code or response.reason_phrase}".strip(),
        retryable=None if told is None else told.lower() in {"1", "true", "yes"},
        retry_after=retry_after(response),
    )


def describe(body: Any) -> tuple[str | None, str | None]:
    """The error type and the words of a body, as far as it has them."""
    if not isinstance(body, Mapping):
        return None, None
    detail = body.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        first = detail[0]
        place = first.get("loc")
        where = ".".join(str(part) for part in place if part != "body") if isinstance(place, list) else ""
        words = first_text([first.get("msg")]) or ""
        return first_text([first.get("type")]), f"{where}: {words}" if where else words
    return first_text([body.get("error_type")]), first_text([detail, body.get("error"), body.get("message")])
