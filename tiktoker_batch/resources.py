"""The only module that knows where ``schemas/``, ``templates/`` and ``recipes/`` lie.

In a wheel they sit inside the package; in a checkout beside it. Both look the same to callers.
"""

from functools import cache
from pathlib import Path
from typing import Literal

Folder = Literal["schemas", "templates", "recipes"]


@cache
def resource_path(folder: Folder, name: str = "") -> Path:
    """The path of a shipped folder or of a file in it.

    :raises FileNotFoundError: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for root in (package, package.parent):
        candidate = root / folder / name
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"{folder}/{name} is missing from this installation of tiktoker-batch; install it again")


def read_resource(folder: Folder, name: str) -> str:
    """The text of a shipped file."""
    return resource_path(folder, name).read_text(encoding="utf-8")
