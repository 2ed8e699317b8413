"""``python -m tiktoker_batch`` is the console script."""

import atexit
import os
import sys
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; a Ctrl-C while it loads is no error either."""
    try:
        _open_closed_streams()
        from tiktoker_batch.cli import main as start  # noqa: PLC0415  (may be interrupted)
    except KeyboardInterrupt:
        sys.exit(130)
    try:
        start()
    except SystemExit as ended:
        _end_at_once(ended)
        raise


def _end_at_once(ended: SystemExit) -> None:
    """Leave the memory to the system: taking apart what a large batch has in it would last a tenth of a second."""
    if not isinstance(ended.code, int):
        return
    try:
        atexit._run_exitfuncs()  # noqa: SLF001  (what the interpreter would do)
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # the interpreter knows how to tell that
    os._exit(ended.code)


def _open_closed_streams() -> None:
    """Nobody listens where a stream was closed (``2>&-``). Else the next file to be opened, as the journal, would take
    its number, and whatever a program says would be written into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nobody = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  (until the process ends)
            setattr(sys, name, nobody)


if __name__ == "__main__":
    main()
