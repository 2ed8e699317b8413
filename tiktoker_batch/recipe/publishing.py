"""When and how a video is to be published."""

import re
from datetime import datetime

from tiktoker_batch.model import Publish
from tiktoker_batch.recipe.findings import Findings
from tiktoker_batch.recipe.settings import Settings

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_EXAMPLE = "2027-03-15T18:00:00+01:00"


def build_publish(settings: Settings, findings: Findings) -> Publish | None:
    """The video's own keys over the defaults', or ``None`` where neither says anything."""
    facts = settings.section("publish")
    if not facts:
        return None
    at = settings.find("publish", "at")
    return Publish(
        at=_moment(at.value, at.at, findings) if at else None,
        caption=facts.get("caption"),
        hashtags=tuple(dict.fromkeys(tag.removeprefix("#") for tag in facts.get("hashtags", ()))),
        platforms=tuple(facts.get("platforms", ())),
        synthetic_media=facts.get("synthetic_media", True),
        made_for_kids=facts.get("made_for_kids", False),
    )


def _moment(text: str, at: tuple[str | int, ...], findings: Findings) -> datetime | None:
    if not _RFC_3339.fullmatch(text):
        findings.add(at, f"at: expected a date and time with an offset, like {_EXAMPLE}, got {text[:40]!r}")
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        findings.add(at, f"at: {text!r} is no date and time: {error}")
        return None
