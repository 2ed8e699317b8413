"""Small things that are worth remembering from run to run. Best effort: a damaged memory is an empty one."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any


def recall(path: Path | None) -> Any:
    """What was remembered, as JSON; ``None`` if nothing was, or it cannot be read."""
    if path is None:
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def remember(path: Path | None, value: Any) -> None:
    """Remember a JSON value; several processes may, and the last one is right."""
    if path is None:
        return
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(value), encoding="utf-8")
        part.replace(path)
