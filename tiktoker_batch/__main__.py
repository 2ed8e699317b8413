"""``python -m tiktoker_batch`` is the console script."""

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
    start()


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
