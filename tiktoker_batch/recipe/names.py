"""Names that become files: legal on every file system, and no two alike."""

import re
from collections.abc import Iterable

from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.nodes import Spot
from tiktoker_batch.recipe.settings import Place

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def is_reserved(name: str) -> bool:
    """Whether Windows refuses it as a file name, whatever its ending."""
    return _RESERVED.fullmatch(name) is not None


def check_name(name: str, at: Place, findings: Findings) -> None:
    """A slug (the schema has seen to its characters) that Windows would refuse as a file name is a problem."""
    if is_reserved(name):
        findings.add(at, f"{name!r} is a reserved file name on Windows; choose another")
    elif name.endswith("."):
        findings.add(at, f"{name!r} ends with a dot, which Windows drops from file names; choose another")


def check_unique(ids: Iterable[tuple[str, Place]], findings: Findings) -> None:
    """Ids that are equal, or differ only in upper and lower case, would be the same file somewhere."""
    seen: dict[str, tuple[str, Place]] = {}
    for name, at in ids:
        first, first_at = seen.setdefault(name.casefold(), (name, at))
        if first_at == at:
            continue
        first_place, own_place = findings.source.locate(first_at), findings.source.locate(at)
        place = f"{first_place.seen_from(own_place.path)}{findings.source.origin(first_at)}"
        if first == name:
            findings.add(at, f"the id {name!r} is already used at {place}{_advice(first_place, own_place)}")
        else:
            findings.add(
                at, f"the ids {name!r} and {first!r} at {place} are the same file on some systems; choose another"
            )


def _advice(first: Spot, second: Spot) -> str:
    return "; put into it what differs, like {{ index }}" if first == second else "; choose another"
