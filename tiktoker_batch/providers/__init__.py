"""Services that make texts, pictures, clips and speech."""

import sys

# httpx takes along a command line of its own, and with it Rich, wherever both are installed. Nobody starts that here,
# and it would take a twentieth of a second of every start; without it httpx is the same.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
