"""The nearest valid name: what somebody probably meant."""

import difflib
import re
from collections.abc import Iterable, Mapping


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name most like this one, upper and lower case alike; ``None`` when none is near."""
    by_folded = {candidate.casefold(): candidate for candidate in valid}
    found = difflib.get_close_matches(name.casefold()[:100], by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or nothing."""
    found = nearest(name, valid)
    return f"; did you mean {found!r}?" if found else ""


def language_meant(name: str, names: Mapping[str, str]) -> str:
    """:func:`did_you_mean` among languages (English names by code): ``English``, ``EN`` and ``en-US`` mean ``en``."""
    codes = {english.casefold(): code for code, english in names.items()}
    bare = re.split("[-_]", name.casefold())[0]
    # By its sound no name is near another: Deutsch is not Dutch.
    found = codes.get(name.casefold()) or (bare if bare in names else nearest(name, names))
    return f"; did you mean {found!r}?" if found else ""


def listed(names: Iterable[str], conjunction: str = "or", *, at_most: int = 12) -> str:
    """``a``, ``a or b``, ``a, b or c``; of very many only the first."""
    all_names = [*names]
    if len(all_names) > at_most:
        return f"{', '.join(all_names[:at_most])} {conjunction} {len(all_names) - at_most} others"
    *most, last = all_names or [""]
    return f"{', '.join(most)} {conjunction} {last}" if most else last
