"""Valid recipes with exactly one fault put in, and where a message about it belongs.

The places come from the YAML parser's own marks, not from our tree. A fault's place is what somebody changed: the value
or the key, from its first to its last character; of a removed required key the beginning of the mapping that lacks it,
of another removed key that mapping; of a badly indented line, or one without its colon or dash, that line; of a bracket
or comma that is gone the list or mapping in brackets.
"""

import itertools
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml

Path = tuple[str | int, ...]

# Mappings whose keys are the writer's own words.
_OWN_NAMES = frozenset(
    {"styles", "voices", "vars", "season", "profiles", "matrix", "exclude", "include", "parameters", "by_resolution"}
)
_REQUIRED = frozenset({"version", "name", "videos", "id", "topic", "script", "script_file", "prompt", "file", "usd"})
_NOT_TEXT = ("[odd]", "{odd: 1}", "true", "12", "")
_NOT_A_NUMBER = ("[odd]", "{odd: 1}", "some", "'12'", "")
_NOT_A_COLLECTION = ("odd", "12", "true", "", "{odd: 1}", "[odd]")
_OUT_OF_RANGE = ("-1", "-1001", "0", "1.5", "99999999", "1e9", ".inf", "12345678901234567890")
_MOMENTS = {
    "at": ("2027-02-30T18:00:00Z", "2027-03-15T25:00:00Z", "15.03.2027 18:00", "tomorrow", "2027-03-15T18:00:00"),
    "start": ("2027-13-01", "2027-02-29", "15.03.2027", "soon"),
    "every": ("wekday 18:00", "weekday 18h", "weekday", "day 24:00", "0 days 12:00", "fri;sat 9:00"),
    "timezone": ("Europe/Berln", "Mars/Olympus", "UTC+1"),
}
_ENVIRONMENT = ('"${NOT_SET_ANYWHERE}"', '"${not closed"', '"${FAL_KEY}"')


@dataclass(frozen=True, slots=True)
class Area:
    """From one character to another, in lines and columns from 1, the last one included."""

    first: tuple[int, int]
    last: tuple[int, int]

    def __contains__(self, place: tuple[int, int]) -> bool:
        return self.first <= place <= self.last


@dataclass(frozen=True, slots=True)
class Mutation:
    """A recipe with one fault, of what kind it is, and where."""

    kind: str
    text: str
    area: Area

    def __str__(self) -> str:
        line = self.text.splitlines()[self.area.first[0] - 1 : self.area.first[0]]
        return f"{self.kind} at {self.area.first}-{self.area.last}: {''.join(line).strip()}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key with its value; ``after`` is where the next one begins, if there is one."""

    path: Path
    key: Any
    value: Any
    mapping: Any
    before: Any
    after: Any

    @property
    def name(self) -> str:
        return str(self.key.value)

    @property
    def is_ours(self) -> bool:
        """Whether the format gives the key its name."""
        at = self.path[:-1]
        within = next((step for step in reversed(at) if isinstance(step, str)), "")
        own = within in _OWN_NAMES or at == ("models",) or any(str(step).startswith("x-") for step in self.path)
        return not own and self.name != "<<" and not {"vars", "parameters"} & set(at)


def mutations(text: str, seed: int = 0) -> list[Mutation]:
    """Every fault that we know to make of a recipe, always the same ones."""
    return [*_Mutator(text, seed).all()]


class _Mutator:
    def __init__(self, text: str, seed: int) -> None:
        self.text = text
        self.chance = random.Random(seed)
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.entries: list[_Entry] = []
        self.items: list[tuple[Path, Any]] = []
        self._walk(root, (), set())

    def _walk(self, node: Any, path: Path, seen: set[int]) -> None:
        if id(node) in seen:  # an alias: its text is written elsewhere
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            neighbours = [None, *node.value, None]
            for before, (key, value), after in zip(neighbours, node.value, neighbours[2:], strict=False):
                at = (*path, key.value)
                if id(value) not in seen:
                    self.entries.append(_Entry(at, key, value, node, before, after))
                self._walk(value, at, seen)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.items.append(((*path, index), item))
                self._walk(item, (*path, index), seen)

    # ------------------------------------------------------------------ making one

    def _put(self, kind: str, start: int, end: int, new: str, at: tuple[int, int] | None = None) -> Mutation:
        """Put ``new`` in the place of some text; the fault is there, or at the given offsets of the new text."""
        text = self.text[:start] + new + self.text[end:]
        first, last = at or (start, start + max(len(new) - 1, 0))
        return Mutation(kind, text, Area(_place(text, first), _place(text, max(first, last))))

    def _value(self, kind: str, node: Any, new: str) -> Mutation:
        start, end = self._span(node)
        return self._put(kind, start, end, new)

    def _span(self, node: Any) -> tuple[int, int]:
        start, end = node.start_mark.index, node.end_mark.index
        return start, start + len(self.text[start:end].rstrip())

    def _misspelled(self, word: str) -> str:
        letters = [at for at in range(len(word) - 1) if word[at].isalpha() and word[at] != word[at + 1]]
        at = self.chance.choice(letters)
        edits: tuple[Callable[[], str], ...] = (
            lambda: word[:at] + word[at + 1 :],
            lambda: word[: at + 1] + word[at] + word[at + 1 :],
            lambda: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            lambda: word[:at] + ("q" if word[at] != "q" else "k") + word[at + 1 :],
        )
        return self.chance.choice(edits)()

    # ------------------------------------------------------------------ all of them

    def all(self) -> Iterator[Mutation]:
        for entry in self.entries:
            yield from self._of_key(entry)
            yield from self._of_value(entry.path, entry.value)
            yield from self._of_null(entry)
            yield from self._of_line(entry)
        for path, item in self.items:
            yield from self._of_value(path, item)
            yield from self._of_item(item)
        yield from self._twice_the_same_id()
        yield from self._of_aliases()

    def _of_key(self, entry: _Entry) -> Iterator[Mutation]:
        start, end = self._span(entry.key)
        if (entry.is_ours or entry.path[0] == "limits") and len(entry.name) > 2:
            for _ in range(2):
                yield self._put("misspelled key", start, end, self._misspelled(self.text[start:end]))
        if entry.is_ours:
            first = entry.mapping.value[0][0].start_mark
            glue = ", " if entry.mapping.flow_style else "\n" + " " * first.column
            yield self._put("unknown key", start, start, f"colour: 1{glue}", (start, start + 5))
            yield from self._removed(entry)
        if not isinstance(entry.value, yaml.CollectionNode) and self._is_on_one_line(entry):
            copy = self.text[start : self._span(entry.value)[1]]
            where = self._span(entry.value)[1]
            glue = ", " if entry.mapping.flow_style else "\n" + " " * entry.key.start_mark.column
            at = where + len(glue)
            yield self._put("duplicate key", where, where, glue + copy, (at, at + end - start - 1))

    def _is_on_one_line(self, entry: _Entry) -> bool:
        return bool(entry.key.start_mark.line == entry.value.end_mark.line)

    def _removed(self, entry: _Entry) -> Iterator[Mutation]:
        is_required = entry.name in _REQUIRED and "profiles" not in entry.path
        if len(entry.path) == 1 and not is_required:
            return  # the whole recipe would be the right place
        if entry.after:
            start, end = entry.key.start_mark.index, entry.after[0].start_mark.index
        elif entry.before:
            start, end = self._span(entry.before[1])[1], self._span(entry.value)[1]
        else:
            return
        begins = entry.mapping.start_mark.index
        length = self._span(entry.mapping)[1] - begins - (end - start)
        yield self._put("removed key", start, end, "", (begins, begins if is_required else begins + length - 1))

    def _of_value(self, path: Path, node: Any) -> Iterator[Mutation]:
        key = next((step for step in reversed(path) if isinstance(step, str)), "")
        if any(str(step).startswith("x-") for step in path):
            return
        if isinstance(node, yaml.CollectionNode):
            if not node.flow_style and len(path) > 1:
                yield from (self._value("wrong type", node, new) for new in ("odd", "12"))
            if node.flow_style:
                yield from (self._value("wrong type", node, new) for new in _NOT_A_COLLECTION if new)
                yield from self._of_brackets(node)
            return
        written = self.text[slice(*self._span(node))]
        if node.style in {"|", ">"}:
            return
        if re.fullmatch(r"-?[\d.]+", written):
            yield from (self._value("wrong type", node, new) for new in _NOT_A_NUMBER if new)
            yield from (self._value("out of range", node, new) for new in _OUT_OF_RANGE)
        else:
            yield from (self._value("wrong type", node, new) for new in _NOT_TEXT if new)
            if re.search(r"[^\W\d]\w", written):
                yield from (self._value("misspelled value", node, self._misspelled(written)) for _ in range(2))
        yield from (self._value("bad moment", node, new) for new in _MOMENTS.get(key, ()))
        yield self._value("environment", node, self.chance.choice(_ENVIRONMENT))
        yield from self._of_quotes(node, written)
        yield from self._of_expression(node, written)

    def _of_null(self, entry: _Entry) -> Iterator[Mutation]:
        if entry.is_ours and not isinstance(entry.value, yaml.CollectionNode):
            begins, (start, end) = entry.key.start_mark.index, self._span(entry.value)
            yield self._put("no value", start, end, "", (begins, start))

    def _of_quotes(self, node: Any, written: str) -> Iterator[Mutation]:
        start, end = self._span(node)
        quote = self.chance.choice("\"'")
        last = self.text.find("\n", start) + 1  # the rest of the line may be swallowed
        if written[0] in "\"'":
            cut = self.chance.choice(((start + 1, end), (start, end - 1)))
            yield self._put("broken quote", start, end, self.text[slice(*cut)], (start, last - 2))
        else:
            yield self._put("broken quote", start, start, quote, (start, last - 1))
        middle = (start + end) // 2
        yield self._put("control character", middle, middle, "\x07")

    def _of_expression(self, node: Any, written: str) -> Iterator[Mutation]:
        start, end = self._span(node)
        for found in re.finditer(r"\{\{ (\w+(?:\.\w+)?)", written):
            name = found[1]
            wrong = written[: found.start(1)] + self._misspelled(name) + written[found.end(1) :]
            yield self._put("wrong expression", start, end, wrong)
            yield self._put("wrong expression", start, end, written.replace(" }}", " }", 1))
            yield self._put("wrong expression", start, end, written.replace(" }}", " | uper }}", 1))

    def _of_brackets(self, node: Any) -> Iterator[Mutation]:
        start, end = self._span(node)
        yield self._put("open bracket", end - 1, end, "", (start, end - 2))
        if self.text[start:end].count(", ") and len(node.value) > 1:
            last = node.value[-1]
            last = last[0] if isinstance(last, tuple) else last
            comma = self.text.rindex(",", start, last.start_mark.index)
            yield self._put("no comma", comma, comma + 1, "", (start, end - 2))

    def _of_line(self, entry: _Entry) -> Iterator[Mutation]:
        if entry.mapping.flow_style:
            return
        mark = entry.key.start_mark
        begins = mark.index - mark.column
        ends = self.text.find("\n", begins)
        put: Callable[..., Mutation] = partial(self._put, start=begins, end=ends)
        line = self.text[begins:ends]
        head = line[: mark.column]
        colon = self._span(entry.key)[1] - begins
        if not head.strip():
            if entry.before:
                yield put("bad indent", new=" " + line, at=(begins, ends))
                if head:
                    yield put("bad indent", new=line[1:], at=(begins, ends - 2))
            if head:
                yield put("tab", new="\t" + line.lstrip(), at=(begins, begins + 1 + len(line.lstrip())))
        if line[colon : colon + 2] == ": ":
            yield put("no colon", new=line[:colon] + line[colon + 1 :], at=(begins, ends - 2))
            yield put("no space", new=line[: colon + 1] + line[colon + 2 :], at=(begins, ends - 2))

    def _of_item(self, node: Any) -> Iterator[Mutation]:
        mark = node.start_mark
        begins = mark.index - mark.column
        ends = self.text.find("\n", begins)
        head = self.text[begins : mark.index]
        if head.strip() == "-":
            yield self._put(
                "no dash", begins, ends, head.replace("- ", "") + self.text[mark.index : ends], (begins, ends)
            )

    def _twice_the_same_id(self) -> Iterator[Mutation]:
        ids = [entry.value for entry in self.entries if entry.name == "id" and len(entry.path) == 3]
        plain = [node for node in ids if "{" not in node.value]
        for first, node in itertools.pairwise(plain):
            yield self._value("duplicate id", node, first.value)
            yield self._value("duplicate id", node, first.value.upper())

    def _of_aliases(self) -> Iterator[Mutation]:
        for found in re.finditer(r"(?<=[ \[,])\*(\w+)", self.text):
            yield self._put("unknown alias", found.start(), found.end(), "*" + self._misspelled(found[1]))


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, len(before) - before.rfind("\n")
