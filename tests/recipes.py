"""Recipes that several tests run."""

SMALL_BATCH = """\
version: 1
name: small
defaults: {duration: 4, resolution: 720p, fps: 12}
videos:
  - id: lamp
    script: A small lamp burns at the end of the pier. Ships see it and turn.
    style: noir
    prompts: [a lamp at the end of a pier, {prompt: a ship turning at night, duration: 5}]
  - id: tea
    script: Tea is only leaves and hot water. And patience.
    style: watercolor
    prompts: [a cup of tea by a window]
"""
