"""Providers that are asked for nothing new, for good or for a while; what was paid for is still waited for.

For good: one whose account does not work. For a while: one that does not answer, until a single request, the probe,
goes through again. Whoever waits for that holds no seat and uses up no attempt.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

import trio

from tiktoker_batch.errors import AuthFailed, ProviderError, TimedOut, Unavailable, Unfetched, UnknownOutcome
from tiktoker_batch.events import ProviderPaused
from tiktoker_batch.model import Step
from tiktoker_batch.providers.policy import LOCKED

REFUSALS = 3  # in a row, before an account is taken not to work: one may be the service's slip
SILENT_STEPS = 5  # different ones in a row that were not answered, before their provider is paused
UNREACHED = 3  # times in a row that one step could not even reach its provider: a small batch has no five of them
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 300.0
PATIENCE = 1800.0  # seconds of pauses after which a provider is given up

_NO_ANSWER = (Unavailable, UnknownOutcome, Unfetched)


@dataclass(kw_only=True)
class _Silence:
    """A provider that has not answered lately; ``until`` is when it may be asked again, once it is paused."""

    failures: Counter[str] = field(default_factory=Counter)
    until: float | None = None
    seconds: float = 0.0
    total: float = 0.0
    reason: str = ""
    probe: str | None = None
    gone: bool = False
    changed: trio.Event = field(default_factory=trio.Event)

    def wake(self) -> None:
        """Let those who wait look again."""
        self.changed.set()
        self.changed = trio.Event()


class Breaker:
    """Counts what each provider refuses and leaves unanswered."""

    def __init__(self) -> None:
        self._refusals: dict[str, int] = {}
        self._open: dict[str, AuthFailed] = {}
        self._silent: dict[str, _Silence] = {}

    # ------------------------------------------------------------------ before a purchase

    def check(self, step: Step) -> None:
        """Let a new purchase pass.

        :raises AuthFailed: the account does not work; says what it said.
        :raises Unavailable: the provider is paused, and this step is not the one that tries whether it is back.
        """
        reason = self._open.get(step.provider)
        if reason is not None:
            raise AuthFailed(reason.message, hint=reason.hint)
        if self.holds_back(step):
            raise Unavailable(f"{step.provider} is paused: {self._silent[step.provider].reason}")

    async def admitted(self, step: Step) -> None:
        """Wait until the step's provider is paused no more, or until the step may try whether it is back.

        :raises Unavailable: it was given up.
        """
        while (silence := self._silent.get(step.provider)) is not None and silence.until is not None:
            if silence.gone:
                raise Unavailable(f"{step.provider} has not answered for {PATIENCE / 60:g} minutes: {silence.reason}")
            free = silence.probe is None
            if silence.probe == step.id or (free and trio.current_time() >= silence.until):
                silence.probe = step.id
                return
            with trio.move_on_at(silence.until if free else math.inf):
                await silence.changed.wait()

    def holds_back(self, step: Step) -> bool:
        """Whether the step has to wait although nothing else keeps it from starting."""
        silence = self._silent.get(step.provider)
        return silence is not None and silence.until is not None and silence.probe != step.id

    def leave(self, step: Step) -> None:
        """An attempt at the step is over; if it was the probe, another step may be."""
        silence = self._silent.get(step.provider)
        if silence is not None and silence.probe == step.id:
            silence.probe = None
            silence.wake()

    # ------------------------------------------------------------------ after it

    def is_open(self, provider: str) -> bool:
        """Whether nothing new is asked for, as the account does not work."""
        return provider in self._open

    def is_paused(self, provider: str) -> bool:
        """Whether nothing new is asked for until the provider answers again."""
        return provider in self._silent and self._silent[provider].until is not None

    def is_gone(self, provider: str) -> bool:
        """Whether the provider was given up."""
        return provider in self._silent and self._silent[provider].gone

    def note(self, step: Step, error: ProviderError | None) -> ProviderPaused | None:
        """A purchase ended, well or with an error, or was accepted; the pause that begins with it, if one does."""
        self._note_refusal(step.provider, error)
        if isinstance(error, _NO_ANSWER):
            return self._note_silence(step, error)
        if not isinstance(error, TimedOut):
            self._note_answer(step.provider)
        return None

    def _note_refusal(self, provider: str, error: ProviderError | None) -> None:
        if not isinstance(error, AuthFailed):
            self._refusals.pop(provider, None)
            return
        self._refusals[provider] = self._refusals.get(provider, 0) + 1
        if error.code == LOCKED or self._refusals[provider] >= REFUSALS:
            self._open.setdefault(provider, error)

    def _note_answer(self, provider: str) -> None:
        silence = self._silent.pop(provider, None)
        if silence is not None:
            silence.wake()

    def _note_silence(self, step: Step, error: ProviderError) -> ProviderPaused | None:
        if step.provider == "local" or (isinstance(error, Unfetched) and not error.unreachable):
            return None
        silence = self._silent.setdefault(step.provider, _Silence())
        if silence.until is not None:
            return self._pause(step, silence, error) if silence.probe == step.id else None
        silence.failures[step.id] += 1
        unreached = error.unreachable and silence.failures[step.id] >= UNREACHED
        return self._pause(step, silence, error) if unreached or len(silence.failures) >= SILENT_STEPS else None

    def _pause(self, step: Step, silence: _Silence, error: ProviderError) -> ProviderPaused | None:
        """Begin the first pause, or a longer one; none once patience has ended."""
        silence.reason, silence.probe = error.message, None
        silence.gone = silence.total >= PATIENCE
        silence.seconds = min(silence.seconds * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        seconds = max(silence.seconds, error.retry_after or 0.0)
        # Pauses are added up, not read off a clock: one that jumps while a laptop sleeps ends nobody's patience.
        silence.until, silence.total = trio.current_time() + seconds, silence.total + seconds
        silence.wake()
        return None if silence.gone else ProviderPaused(provider=step.provider, seconds=seconds, reason=error.message)
