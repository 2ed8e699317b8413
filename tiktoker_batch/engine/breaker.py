"""A provider whose account does not work is asked for nothing new; what was paid for is still waited for."""

from tiktoker_batch.errors import AuthFailed, ProviderError
from tiktoker_batch.providers.policy import LOCKED

REFUSALS = 3  # in a row, before an account is taken not to work: one may be the service's slip


class Breaker:
    """Counts refusals for each provider and stays open once it has opened."""

    def __init__(self) -> None:
        self._refusals: dict[str, int] = {}
        self._open: dict[str, AuthFailed] = {}

    def check(self, provider: str) -> None:
        """Let a new purchase pass.

        :raises AuthFailed: the account does not work; says what it said.
        """
        reason = self._open.get(provider)
        if reason is not None:
            raise AuthFailed(reason.message, hint=reason.hint)

    def is_open(self, provider: str) -> bool:
        """Whether nothing new is asked for."""
        return provider in self._open

    def note(self, provider: str, error: ProviderError | None) -> None:
        """A purchase ended, well or with an error."""
        if not isinstance(error, AuthFailed):
            self._refusals.pop(provider, None)
            return
        self._refusals[provider] = self._refusals.get(provider, 0) + 1
        if error.code == LOCKED or self._refusals[provider] >= REFUSALS:
            self._open.setdefault(provider, error)
