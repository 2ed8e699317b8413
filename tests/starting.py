"""Starting the command in a process of its own, without loading it anew each time where that can be spared.

``Popen`` and ``run`` are those of ``subprocess``. On Linux a call of ``ARGV`` is forked from a process that has loaded
the command before (``tests.forking``): it has its own number, streams, folder, environment, signals and exit code.
Whatever else is started, or depends on what an interpreter reads when it begins, is started as ever; so is everything
if ``FRESH_STARTS`` is set.
"""

import atexit
import functools
import inspect
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ARGV = [sys.executable, "-m", "tiktoker_batch"]

# A developer's own cache may hold refreshed prices; this one is shared by all tests of a machine, and holds a font.
CACHE = str(Path(tempfile.gettempdir()) / "tiktoker-batch-tests")

_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
# What subprocess can do for a process that it starts, and nobody does for one that is forked.
_PLAIN = {
    "executable": None, "preexec_fn": None, "close_fds": True, "pass_fds": (), "shell": False, "restore_signals": True,
    "gid": None, "gids": None, "uid": None, "umask": -1, "start_new_session": False, "process_group": -1,
}  # fmt: skip
# What an interpreter reads when it begins.
_READ_AT_START = ("PYTHON", "LANG", "LC_")
_one_server = threading.Lock()


def clean_environment(**changes: str) -> Mapping[str, str]:
    """The environment of a user without any account."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_KEY", "_SECRET", "_KEY_ID"))}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))
    cache = {} if "TIKTOKER_CACHE_DIR" in kept else {"TIKTOKER_CACHE_DIR": CACHE}
    return {**kept, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **cache, **changes}


class Popen(subprocess.Popen[Any]):
    """A process that was forked, or started."""

    _teller: socket.socket | None = None

    @property
    def is_forked(self) -> bool:
        """Whether it was forked."""
        return self._teller is not None

    def _execute_child(self, *given: Any) -> None:
        told = inspect.signature(subprocess.Popen._execute_child).bind(self, *given).arguments
        if not _can_be_forked(told):
            super()._execute_child(*given)
            return
        self._teller = _call(told)
        self.pid = int.from_bytes(self._teller.recv(4), "little")
        assert self.pid, "what forks has ended"
        self._child_created = True
        self._close_pipe_fds(*(told[name] for name in _PIPES))

    def _internal_poll(self, *given: Any, **more: Any) -> int | None:
        if self._teller is None:
            found: int | None = super()._internal_poll(*given, **more)
            return found
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG) if self.returncode is None else (0, 0)
                if pid == self.pid:
                    self._handle_exitstatus(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode

    def _try_wait(self, flags: int) -> tuple[int, int]:
        """As ``waitpid``; the parent of the process tells what it waited for."""
        if self._teller is None:
            found: tuple[int, int] = super()._try_wait(flags)
            return found
        try:
            told = self._teller.recv(4, socket.MSG_DONTWAIT if flags & os.WNOHANG else 0)
        except BlockingIOError:
            return 0, 0
        assert told, "what forks has ended"
        self._teller.close()
        return self.pid, int.from_bytes(told, "little")


def run(
    argv: Sequence[str], *, capture_output: bool = False, timeout: float | None = None, check: bool = False, **more: Any
) -> "subprocess.CompletedProcess[Any]":
    """As ``subprocess.run``."""
    if capture_output:
        more |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(argv, **more) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(argv, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def _can_be_forked(told: Mapping[str, Any]) -> bool:
    """Whether nothing is asked for that only a new interpreter can be given."""
    if sys.platform != "linux" or "FRESH_STARTS" in os.environ:
        return False
    environ = os.environ if told["env"] is None else told["env"]
    return (
        list(told["args"][: len(ARGV)]) == ARGV
        and all(told.get(name, usual) == usual for name, usual in _PLAIN.items())
        and (told["cwd"] is None or Path(told["cwd"]).is_dir())
        and _read_at_start(environ) == _read_at_start(clean_environment())
    )


def _read_at_start(environ: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(_READ_AT_START)}


def _call(told: Mapping[str, Any]) -> socket.socket:
    """Have a call made; the socket that tells the number of its process, and how it ended."""
    streams = enumerate((told["p2cread"], told["c2pwrite"], told["errwrite"]))
    message = {
        "folder": str(Path(told["cwd"] or ".").absolute()),
        "arguments": [os.fspath(argument) for argument in told["args"][len(ARGV) :]],
        "environ": dict(os.environ if told["env"] is None else told["env"]),
    }
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, _one_server:
        given = [theirs.fileno(), *(number if stream == -1 else stream for number, stream in streams)]
        socket.send_fds(_server(), [json.dumps(message).encode()], given)
    return ours


@functools.cache
def _server() -> socket.socket:
    """What the process that forks is spoken to by; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        argv = [sys.executable, "-m", "tests.forking"]
        process = subprocess.Popen(argv, stdin=theirs.fileno(), cwd=ROOT, env=clean_environment())
    atexit.register(process.wait, 10)
    atexit.register(ours.close)  # called before
    return ours
