"""Blob-like shapes for generated data: outlines, label maps, and maps as networks predict them.

All random numbers come from the generator that is passed in. This module knows no data format.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray[Any, Any]


def outline(generator: np.random.Generator, centre: Array, reach: float, vertices: int) -> Array:
    """A closed irregular outline, (vertices, 2) of x and y: a circle whose radius is a sum of a few
    waves.
    """
    angles = (np.arange(vertices) + generator.random(vertices) * 0.6) * (2 * np.pi / vertices)
    radius = np.full(vertices, reach)
    for wave in range(2, 7):
        radius += (
            reach
            * generator.normal(0, 0.35 / wave)
            * np.cos(wave * angles + generator.random() * 7)
        )
    radius = np.maximum(radius, reach * 0.15)
    stretch = np.exp(generator.normal(0, 0.25))
    return centre + np.stack(
        [radius * np.cos(angles) * stretch, radius * np.sin(angles) / stretch], axis=1
    )


def draw(image: Image.Image, points: Array, value: int) -> None:
    """Fill an outline in a label map."""
    ImageDraw.Draw(image).polygon([tuple(point) for point in points.tolist()], fill=value)


def smooth_noise(generator: np.random.Generator, size: tuple[int, int], cell: int) -> Array:
    """Noise that varies over about `cell` pixels, (H, W) float32 with standard deviation about
    1.
    """
    height, width = size
    coarse = generator.standard_normal((height // cell + 3, width // cell + 3)).astype(np.float32)
    picture = Image.fromarray(coarse).resize(
        (coarse.shape[1] * cell, coarse.shape[0] * cell), Image.Resampling.BICUBIC
    )
    return np.asarray(picture)[cell : cell + height, cell : cell + width]


def warped(generator: np.random.Generator, labels: Array, amount: float, cell: int) -> Array:
    """The map with its borders moved by about `amount` pixels, as a good network predicts them."""
    height, width = labels.shape
    rows = np.arange(height)[:, None] + np.rint(
        amount * smooth_noise(generator, labels.shape, cell)
    ).astype(np.int64)
    columns = np.arange(width) + np.rint(
        amount * smooth_noise(generator, labels.shape, cell)
    ).astype(np.int64)
    return labels[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
