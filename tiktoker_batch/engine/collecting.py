"""Garbage collection while a batch runs: often among the young, hardly ever among all.

What a batch remembers grows with it, and next to nothing of that is ever garbage. Python would search all of it again
whenever it has grown by a quarter: with 10,000 steps a quarter of a second each time, in which nobody is answered, and
a fifth of the processor time altogether.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# A search among the young looks at some 20,000 values, in 2 ms; one among all comes after a thousand of them.
_THRESHOLDS = (2_000, 10, 1_000)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """What is there already is not searched at all; afterwards everything is as before."""
    before, was_awake = gc.get_threshold(), gc.isenabled()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        if not was_awake:
            gc.disable()
