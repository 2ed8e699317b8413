"""Records as lines of the journal: JSON objects that hold the stamps and the fields of the event."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Union

import msgspec

from tiktoker_batch.events import EVENT_TYPES, PlannedStep, Record
from tiktoker_batch.outcomes import Artifact


def record_to_json(record: Record) -> dict[str, Any]:
    """The journal's line for a record, as plain JSON values (money as text, so that nothing is rounded)."""
    return {
        "event": record.event.name,
        "at": _moment(record.at),
        "elapsed": round(record.elapsed, 6),
        "run": record.run,
        **{name: _plain(getattr(record.event, name)) for name in record.event.__struct_fields__},
    }


def record_to_line(record: Record) -> bytes:
    """The same as JSON text without its newline; half of a surrogate pair stands there as its escape."""
    try:
        event = _write(record.event)
        stamps = _write(_Stamps(record.at, round(record.elapsed, 6), record.run))
        head = _HEADS[type(record.event)]  # the stamps come after the event's name
        return b"%b,%b%b" % (event[:head], stamps[1:-1], event[head:])
    except (UnicodeEncodeError, msgspec.MsgspecError):
        return _encode(record_to_json(record)).encode(errors="backslashreplace")


def record_from_line(line: bytes) -> Record | None:
    """The record of a journal line; ``None`` for an event of a later version, which a reader passes over.

    :raises ValueError: it is no such line.
    """
    try:
        stamps = _STAMPS.decode(line)
        return Record(stamps.at, stamps.elapsed, stamps.run, _EVENTS.decode(line))
    except msgspec.DecodeError:
        return _from_anything(line)


def records_from_lines(lines: bytes | memoryview) -> list[Record]:
    """The records of many lines, each of which ends with a newline and tells of an event that is known.

    :raises ValueError: one of them does not.
    """
    events = _EVENTS.decode_lines(lines)
    stamps = _STAMPS.decode_lines(lines)
    return [Record(each.at, each.elapsed, each.run, event) for each, event in zip(stamps, events, strict=True)]


def _from_anything(line: bytes) -> Record | None:
    """The same for what the quick way refuses: an event of a later version, half a surrogate pair, NaN."""
    value = json.loads(line)
    if value["event"] not in EVENT_TYPES:
        return None
    try:
        stamps = msgspec.convert(value, _Stamps)
        return Record(stamps.at, stamps.elapsed, stamps.run, msgspec.convert(value, _ANY_EVENT))
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class _Stamps(msgspec.Struct, gc=False):
    at: datetime
    elapsed: float
    run: int


_write = msgspec.json.Encoder().encode
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_ANY_EVENT: Any = Union[tuple(EVENT_TYPES.values())]  # noqa: UP007  (made at run time)
_STAMPS = msgspec.json.Decoder(_Stamps)
_EVENTS = msgspec.json.Decoder(_ANY_EVENT)
_HEADS = {cls: len(f'{{"event":"{name}"') for name, cls in EVENT_TYPES.items()}


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal() | datetime():
            return str(value)
        case Artifact() | PlannedStep():
            return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
    return value
