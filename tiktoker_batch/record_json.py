"""Records as lines of JSON, and back."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from tiktoker_batch.events import EVENT_TYPES, PlannedStep, Record
from tiktoker_batch.model import Artifact


def record_to_json(record: Record) -> dict[str, Any]:
    """The journal's line for a record, as plain JSON values (money as text, so that nothing is rounded)."""
    return {
        "event": record.event.name,
        "at": record.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "elapsed": round(record.elapsed, 6),
        "run": record.run,
        **{name: _plain(getattr(record.event, name)) for name in _FIELDS[type(record.event)]},
    }


def record_from_json(line: Mapping[str, Any]) -> Record | None:
    """The record of a journal line; ``None`` for an event of a later version, which a reader passes over."""
    cls = EVENT_TYPES.get(line["event"])
    if cls is None:
        return None
    values = {name: typed(line[name]) if typed else line[name] for name, typed in _TYPED[cls] if name in line}
    return Record(at=datetime.fromisoformat(line["at"]), elapsed=line["elapsed"], run=line["run"], event=cls(**values))


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


def _artifacts(values: Any) -> tuple[Artifact, ...]:
    return tuple([Artifact(**item) for item in values])


def _planned_steps(values: Any) -> tuple[PlannedStep, ...]:
    return tuple(
        [
            PlannedStep(
                **{
                    **step,
                    "needs": tuple(step["needs"]),
                    "estimated_cost_usd": Decimal(step["estimated_cost_usd"]),
                }
            )
            for step in values
        ]
    )


# How a field is read that is not in the journal as it is in an event; by its name, looked up once for each class.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "cost_usd": Decimal,
    "price_usd": Decimal,
    "estimated_cost_usd": Decimal,
    "sent_at": datetime.fromisoformat,
    "artifacts": _artifacts,
    "steps": _planned_steps,
    "needs": tuple,
    "notes": tuple,
}
_TYPED = {cls: tuple((name, _READERS.get(name)) for name in _FIELDS[cls]) for cls in EVENT_TYPES.values()}
