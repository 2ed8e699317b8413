"""Smooth random fields, the raw material of clouds, paper and brush strokes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]


def smooth(rng: np.random.Generator, width: int, height: int, cell: float, *, stretch: float = 1.0) -> Field:
    """One octave of value noise in [0, 1); ``cell`` is its grain in pixels, ``stretch`` > 1 draws it out sideways."""
    across, down = max(2, round(width / (cell * stretch)) + 1), max(2, round(height / cell) + 1)
    grid = Image.fromarray(rng.random((down, across), dtype=np.float32))
    return np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def clouds(
    rng: np.random.Generator, width: int, height: int, cell: float, octaves: int = 4, *, stretch: float = 1.0
) -> Field:
    """Several octaves, each half as strong and twice as fine; stretched to [0, 1]."""
    # Half the resolution is plenty for what is blurred by nature, and a quarter of the work.
    small_width, small_height = (width + 1) // 2, (height + 1) // 2
    total = np.zeros((small_height, small_width), dtype=np.float32)
    for octave in range(octaves):
        total += smooth(rng, small_width, small_height, cell / 2 / 2**octave, stretch=stretch) / 2**octave
    low, high = np.percentile(total, (1, 99))
    field = Image.fromarray(np.clip((total - low) / (high - low + 1e-6), 0, 1).astype(np.float32))
    return np.asarray(field.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)


def ridge(rng: np.random.Generator, width: int, roughness: float, waves: float) -> Field:
    """A skyline in [0, 1] over ``width`` points; higher roughness gives more jagged peaks."""
    x = np.linspace(0, 1, width, dtype=np.float32)
    line = np.zeros(width, dtype=np.float32)
    frequency, strength = waves, 1.0
    for _ in range(6):
        knots = max(2, round(frequency) + 2)
        heights = rng.random(knots).astype(np.float32)
        line += strength * np.interp(_eased(x * (knots - 1)), np.arange(knots), heights).astype(np.float32)
        frequency, strength = frequency * 2.1, strength * roughness
    result: Field = (line - line.min()) / (np.ptp(line) + 1e-6)
    return result


def _eased(position: Field) -> Field:
    whole = np.floor(position)
    part = position - whole
    return whole + part * part * (3 - 2 * part)
