"""A worker process of the local provider: ``python -m tiktoker_batch.providers.local.worker``."""

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from tiktoker_batch.errors import TiktokerError


def main() -> None:
    """Answer calls until standard input closes."""
    answers = _private_stdout()
    calls: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(calls,), daemon=True).start()
    while True:
        answers.write(json.dumps(_answer(json.loads(calls.get()))) + "\n")
        answers.flush()


def _private_stdout() -> IO[str]:
    """Keep the answer pipe to ourselves: what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _listen(calls: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        calls.put(line)
    # The parent is gone, perhaps by SIGKILL: whatever is under way here, nobody wants it any more.
    os._exit(0)


def _answer(call: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"value": _CALLS[call["kind"]](call["arguments"])}
    except TiktokerError as error:
        return {"error": {"type": type(error).__name__, "message": error.message, "hint": error.hint}}
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return {
            "error": {
                "type": type(error).__name__,
                "message": f"{error} ({Path(place.filename).name}:{place.lineno})",
                "hint": None,
                "trace": traceback.format_exc(),
            }
        }


def _paint(arguments: dict[str, Any]) -> None:
    from tiktoker_batch.providers.local.painter import paint  # noqa: PLC0415  (each worker loads what it is asked for)

    paint(**_paths(arguments, "image", "layers", "reference"))


def _film(arguments: dict[str, Any]) -> None:
    from tiktoker_batch.providers.local.camera import film  # noqa: PLC0415

    film(**_paths(arguments, "image", "layers", "into"))


def _speak(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    from tiktoker_batch.media.captions import words_to_json  # noqa: PLC0415
    from tiktoker_batch.providers.local.speech.speak import speak  # noqa: PLC0415

    return words_to_json(speak(**_paths(arguments, "into")))


def _paths(arguments: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: Path(value) if name in names and value is not None else value for name, value in arguments.items()}


_CALLS: dict[str, Callable[[dict[str, Any]], Any]] = {"image": _paint, "clip": _film, "narration": _speak}

if __name__ == "__main__":
    main()
