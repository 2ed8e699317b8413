"""A service in a process of its own, whose work is not counted as that of its client."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def served_apart(serve: Callable[..., None], *args: object) -> Iterator[str]:
    """Run ``serve(pipe, *args)`` in another process while this is open; gives the address that it sends."""
    there, here = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, *args), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()
