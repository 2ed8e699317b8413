"""Procedural pictures: places, subjects, and twenty ways to render them."""

from tiktoker_batch.providers.local.painter.compose import paint

__all__ = ["paint"]
