"""Declarative batch runner for short vertical videos."""

__version__ = "0.1.0"
