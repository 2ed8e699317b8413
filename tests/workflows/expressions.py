"""The expressions of GitHub workflows, as far as ours use them: names, texts, numbers, calls, ! && || == != and ()."""

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(&&|\|\||[!=]=|[!()])|(\d+)|([A-Za-z_][\w.-]*))")
_WORDS = {"&&": " and ", "||": " or ", "!": " not ", "==": "==", "!=": "!=", "(": "(", ")": ")"}
_INSIDE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)

Calls = Mapping[str, Callable[[], bool]]


def look_up(contexts: Mapping[str, Any], name: str) -> Any:
    """What a dotted name stands for; what is not there is null."""
    found: Any = contexts
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def evaluate(text: str, contexts: Mapping[str, Any], calls: Calls | None = None) -> Any:
    """The value of what stands between ``${{`` and ``}}``."""
    words, at, text = [], 0, text.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token is not None, f"no expression that is known here: {text!r}"
        string, operator, number, name = token.groups()
        at = token.end()
        if string:
            words.append(repr(string[1:-1].replace("''", "'")))
        elif name and text[at : at + 2] == "()":
            words.append(repr((calls or {})[name]()))
            at += 2
        else:
            words.append(_WORDS[operator] if operator else number or repr(look_up(contexts, name)))
    return eval(" ".join(words), {"__builtins__": {}})


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with its expressions replaced by their values."""

    def value(found: re.Match[str]) -> str:
        result = evaluate(found[1], contexts)
        return "" if result is None else str(result).lower() if isinstance(result, bool) else str(result)

    return _INSIDE.sub(value, text)


def holds(condition: str, contexts: Mapping[str, Any], *, failed: bool) -> bool:
    """Whether an ``if`` lets something run; without a word about it, nothing runs after a failure."""
    inside = _INSIDE.fullmatch(condition.strip())
    text = inside[1] if inside else condition
    calls: Calls = {
        "always": lambda: True,
        "cancelled": lambda: False,
        "failure": lambda: failed,
        "success": lambda: not failed,
    }
    says_itself = any(f"{name}()" in text for name in calls)
    return (says_itself or not failed) and bool(evaluate(text, contexts, calls))
