"""Giving finished files their names, in a thread: neither hashing nor the disk keeps those waiting who use the network.

What was paid for is kept before anything else may happen, so none of this can be cancelled.
"""

from functools import partial
from pathlib import Path

import trio

from tiktoker_batch.outcomes import Artifact
from tiktoker_batch.store.artifacts import commit, write_artifact


async def keep(part: Path, final: Path, *, root: Path, sha256: str | None = None) -> Artifact:
    """``commit``.

    :raises TiktokerError: the disk refuses.
    """
    with trio.CancelScope(shield=True):
        kept = await trio.to_thread.run_sync(partial(commit, part, final, root=root, sha256=sha256))
    return kept  # noqa: RET504  (mypy: a scope may end early)


async def keep_text(final: Path, content: str, *, root: Path) -> Artifact:
    """``write_artifact``.

    :raises TiktokerError: the disk refuses.
    """
    with trio.CancelScope(shield=True):
        kept = await trio.to_thread.run_sync(partial(write_artifact, final, content, root=root))
    return kept  # noqa: RET504  (mypy: a scope may end early)
