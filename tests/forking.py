"""A process that has loaded what the command loads, and forks a process of its own for each call of it.

    python -m tests.forking <&SOCKET

It says nothing and starts no thread. A message on its stdin, a socket, is one call: working folder, arguments and the
whole environment as JSON, with four descriptors: a socket that is told the process's number and then how it ended, and
what becomes stdin, stdout and stderr. It ends when the socket's other end is closed. ``tests.starting`` is that end.
"""

import gc
import importlib
import io
import json
import os
import random
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tiktoker_batch.catalog.loader import load_catalog
from tiktoker_batch.catalog.words import load_words
from tiktoker_batch.planning.likely import USUAL_SPREAD, expected_shape
from tiktoker_batch.recipe.prompts import builtin_templates
from tiktoker_batch.recipe.schema import check_schema
from tiktoker_batch.recipe.source import load_source

ROOT = Path(__file__).parents[1]
MODULE = "tiktoker_batch"
LONGEST = 1 << 18  # bytes of a message
# What the commands import when they are called, and what that imports only once there is something to do. NumPy and
# what needs it stay outside: it starts threads, which no fork takes along.
LAZY = (
    *(f"{MODULE}.providers.{name}" for name in ("accounts", "elevenlabs", "fal.provider", "fal.prices", "openrouter")),
    *(f"{MODULE}.providers.local.provider", f"{MODULE}.report.live"),
    *("PIL.JpegImagePlugin", "PIL.PngImagePlugin", "dotenv", "fontTools.ttLib", "fontpkg_montserrat", "httpcore"),
    *("httpcore._async", "httpcore._backends.trio", "icalendar", "imageio_ffmpeg", "pysubs2", "rich.live"),
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of the command."""

    folder: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    streams: Sequence[int]


def main() -> None:
    """Serve; what comes back from that is a child that has a call to make."""
    control = socket.socket(fileno=os.dup(0))
    _load()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C at the tests is theirs
    shuffles = [each for each in gc.get_objects() if type(each) is random.Random]
    gc.collect()
    gc.freeze()
    call = _serve(control)
    if call is None:
        return
    for each in shuffles:  # whoever starts anew draws anew
        each.seed()
    _become(call)
    runpy.run_module(MODULE, run_name="__main__", alter_sys=True)


def _load() -> None:
    """Import what commands import, and read what of their own files they read."""
    commands = importlib.import_module(f"{MODULE}.cli")
    for name in commands.COMMANDS:
        commands.load_command(name)
    for name in LAZY:
        importlib.import_module(name)
    load_words()
    builtin_templates()
    check_schema(load_source(ROOT / "recipes" / "quickstart.yaml"))
    for spread in {USUAL_SPREAD, *(model.latency_spread for model in load_catalog().models.values())}:
        expected_shape(spread)
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208
    assert threads == 1, f"{threads} threads: a fork would have but one of them"


def _serve(control: socket.socket) -> Call | None:
    """Fork for each call until nobody is there to make any; the call, in a child."""
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for ready in select.select([control.fileno(), *running], [], [])[0]:
            if ready in running:
                pid, teller = running.pop(ready)
                _tell(teller, os.waitpid(pid, 0)[1])
                teller.close()
                os.close(ready)
                continue
            message, descriptors, *_ = socket.recv_fds(control, LONGEST, 4)
            if not message:
                return None
            teller, streams = socket.socket(fileno=descriptors[0]), descriptors[1:]
            pid = os.fork()
            if pid == 0:
                for each in (control, teller, *(teller for _, teller in running.values())):
                    each.close()
                for descriptor in running:
                    os.close(descriptor)
                return Call(streams=streams, **json.loads(message))
            for stream in streams:
                os.close(stream)
            running[os.pidfd_open(pid)] = pid, teller
            _tell(teller, pid)


def _tell(teller: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody wants to know any more
        teller.send(number.to_bytes(4, "little"))


def _become(call: Call) -> None:
    """Be as a fresh interpreter would be: ``python -m tiktoker_batch`` in that folder, with that environment."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, given in enumerate(call.streams):
        os.dup2(given, number)
        os.close(given)
    os.chdir(call.folder)
    os.environ.clear()
    os.environ.update(call.environ)
    time.tzset()
    sys.path[0] = os.getcwd()  # noqa: PTH109
    sys.argv[1:] = call.arguments
    sys.orig_argv[1:] = ["-m", MODULE, *call.arguments]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _opened(number, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    importlib.reload(sys.modules[f"{MODULE}.faultpoints"])  # which is armed by the environment


def _opened(number: int, like: io.TextIOWrapper) -> TextIO:
    """A standard stream as the interpreter opens it, in the encoding of the one that was there."""
    mode, unbuffered = ("r", False) if number == 0 else ("w", like.write_through)
    binary: Any = open(number, f"{mode}b", buffering=0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    text: Any = io.TextIOWrapper(
        binary,
        encoding=like.encoding,
        errors=like.errors,
        newline="\n",
        line_buffering=number == 2 or unbuffered or os.isatty(number),
        write_through=unbuffered,
    )
    text.mode = mode
    return text


if __name__ == "__main__":
    main()
