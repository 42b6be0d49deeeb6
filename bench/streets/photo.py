"""From a painted canvas to a photograph: haze, light, grain, blur, the frame's border and the car's
own hood.

Knows no object.
"""

import numpy as np
from numpy.typing import NDArray

from bench.streets.camera import FARTHEST
from bench.streets.canvas import Canvas
from bench.streets.scenes import Weather
from bench.streets.texture import noise, smooth_noise, soften

EGO, OUT_OF_ROI = 1, 3
BORDER = 2
# How strongly the surface of each label is grained, in 1/64 of the noise: foliage and grass most.
GRAIN = np.full(34, 3, np.int32)
GRAIN[[7, 8, 11, 12, 13, 21, 22, 23]] = (4, 5, 5, 7, 7, 17, 12, 1)


def expose(
    canvas: Canvas, labels: NDArray[np.uint8], weather: Weather, seed: int
) -> NDArray[np.uint8]:
    """The (H, W, 3) image as a camera takes it."""
    height, width = canvas.size
    # In place, and in 16 bits where they suffice: fresh arrays of this size cost more than the
    # arithmetic.
    color = canvas.color.astype(np.int32)
    fine = noise(seed, height * width).reshape(height, width).astype(np.int32)
    coarse = smooth_noise(seed + 1, height, width, 3)
    color += (((2 * fine + coarse - 384) * GRAIN[labels]) >> 6)[..., None]
    share = np.minimum(canvas.depth // 100 * weather.haze // 64, 190)
    share[canvas.depth == FARTHEST] = 0
    toward = np.array(weather.horizon, np.int32) - color
    toward *= share[..., None]
    toward >>= 8
    color += toward
    color *= (236 + (smooth_noise(seed + 2, height, width, 96) >> 3))[..., None]
    color >>= 8
    color *= np.array(weather.gain, np.int32)
    color >>= 8
    photo = soften(color.astype(np.int16))
    grain = noise(seed + 3, color.size).reshape(color.shape).astype(np.int16)
    grain -= 128
    grain *= 5
    grain >>= 6
    photo += grain
    hood, shine = _hood(height, width)
    photo[hood] = shine[hood][:, None] + photo[hood] // 8
    np.clip(photo, 0, 255, out=photo)
    return photo.astype(np.uint8)


def mount(canvas: Canvas) -> None:
    """Put the car's own hood and the border outside of the region of interest on top of the painted
    scene.
    """
    height, width = canvas.size
    hood, _ = _hood(height, width)
    rim = np.ones(canvas.size, bool)
    rim[BORDER:-BORDER, BORDER:-BORDER] = False
    for area, owner in ((hood, EGO), (rim, OUT_OF_ROI)):
        canvas.owner[area] = owner
        canvas.depth[area] = FARTHEST


def _hood(height: int, width: int) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    rows = np.arange(height, dtype=np.int32)[:, None]
    away = np.abs(2 * np.arange(width, dtype=np.int64) + 1 - width)[None, :]
    edge = height - height * 8 // 100 + (height * 6 * away * away) // (100 * width * width)
    return rows >= edge, np.minimum(34 + (rows - edge) * 3 * 256 // height, 80).astype(np.int32)
