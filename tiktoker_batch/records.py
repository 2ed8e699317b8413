"""Records as lines of the journal: JSON objects that hold the stamps and the fields of the event."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from tiktoker_batch.events import EVENT_TYPES, Event, PlannedStep, Record
from tiktoker_batch.outcomes import Artifact


def record_to_json(record: Record) -> dict[str, Any]:
    """The journal's line for a record, as plain JSON values (money as text, so that nothing is rounded)."""
    return {
        "event": record.event.name,
        "at": _moment(record.at),
        "elapsed": round(record.elapsed, 6),
        "run": record.run,
        **{name: _plain(getattr(record.event, name)) for name in _FIELDS[type(record.event)]},
    }


def record_to_line(record: Record) -> bytes:
    """The same as JSON text without its newline; half of a surrogate pair stands there as its escape."""
    try:
        stamps = _Stamps(record.event.name, record.at, round(record.elapsed, 6), record.run)
        return _write(stamps)[:-1] + b"," + _write(record.event)[1:]
    except (UnicodeEncodeError, msgspec.MsgspecError):
        return _encode(record_to_json(record)).encode(errors="backslashreplace")


def record_from_line(line: bytes) -> Record | None:
    """The record of a journal line; ``None`` for an event of a later version, which a reader passes over.

    :raises ValueError: it is no such line.
    """
    try:
        stamps = _read_stamps(line)
        read = _READERS.get(stamps.event)
        if read is None:
            return None
        return Record(at=stamps.at, elapsed=stamps.elapsed, run=stamps.run, event=read(line))
    except msgspec.DecodeError:
        return _from_anything(line)


def _from_anything(line: bytes) -> Record | None:
    """The same for what the quick way refuses and is JSON all the same: half a surrogate pair, a number like NaN."""
    value = json.loads(line)
    try:
        stamps = msgspec.convert(value, _Stamps)
        cls = EVENT_TYPES.get(stamps.event)
        event = None if cls is None else msgspec.convert(value, cls)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    return None if event is None else Record(at=stamps.at, elapsed=stamps.elapsed, run=stamps.run, event=event)


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class _Stamps(msgspec.Struct):
    event: str
    at: datetime
    elapsed: float
    run: int


_write = msgspec.json.Encoder().encode
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# A journal of a large batch has 100,000 lines: each is read twice, for its stamps and as what it then turns out to be,
# which takes half of what building the event from a mapping takes.
_read_stamps = msgspec.json.Decoder(_Stamps).decode
_READERS: Mapping[str, Callable[[bytes], Event]] = {
    name: msgspec.json.Decoder(cls).decode for name, cls in EVENT_TYPES.items()
}

# The names of the fields, looked up once: this is done for every line of a journal.
_FIELDS = {cls: tuple(f.name for f in fields(cls)) for cls in (*EVENT_TYPES.values(), Artifact, PlannedStep)}


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal() | datetime():
            return str(value)
        case Artifact() | PlannedStep():
            return {name: _plain(getattr(value, name)) for name in _FIELDS[type(value)]}
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
    return value
