"""The offline writer: stories and shot lists from templates, the same for the same seed."""

from tiktoker_batch.providers.local.writer.choose import choose_story
from tiktoker_batch.providers.local.writer.shots import write_shots
from tiktoker_batch.providers.local.writer.story import write_story

__all__ = ["choose_story", "write_shots", "write_story"]
