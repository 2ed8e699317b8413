"""Keys that would be noticed wherever they showed up."""

from pathlib import Path

CANARIES = {
    "FAL_KEY": "canaryfal0123456789:canarysecret0123456789",
    "ELEVENLABS_API_KEY": "canaryeleven0123456789",
    "OPENROUTER_API_KEY": "canaryrouter0123456789",
}
HEAD = "canary"  # with which both parts of every one begin


def assert_no_canary(folder: Path, said: str, *, at_least: int = 3) -> None:
    """Neither a key nor its beginning, in anything that was said or written below the folder."""
    texts = {"what was said": said.encode()}
    for path in folder.rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_bytes()
    assert len(texts) > at_least
    found = [name for name, text in texts.items() if HEAD.encode() in text or HEAD in name]
    assert not found
