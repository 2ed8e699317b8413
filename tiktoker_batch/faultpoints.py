"""Points at which a test has this process killed. They do nothing unless the environment arms one.

``TIKTOKER_FAULT_POINT=name:N`` kills the process, without any chance to clean up, the N-th time that point is reached.
"""

import os
import signal
from collections.abc import Callable

VARIABLE = "TIKTOKER_FAULT_POINT"


class _Armed:
    """The one point that counts, and how often it may still be passed."""

    def __init__(self, told: str) -> None:
        self.name, _, number = told.partition(":")
        self._left = int(number or 1)

    def reached(self, last_act: Callable[[], object] | None) -> None:
        self._left -= 1
        if self._left == 0:
            if last_act is not None:
                last_act()
            os.kill(os.getpid(), signal.SIGKILL)


_told = os.environ.get(VARIABLE)
_armed = _Armed(_told) if _told else None


def reach(name: str, last_act: Callable[[], object] | None = None) -> None:
    """Pass this point, or die here; ``last_act`` is what is still half done before."""
    if _armed is not None and _armed.name == name:
        _armed.reached(last_act)
