"""Offline narration with the time of every word."""
