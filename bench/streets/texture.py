"""Integer noise and light: everything that gives a flat colour grain, haze and weather.

Knows nothing of objects. All arithmetic is on integers, so the same seed gives the same bytes
everywhere.
"""

import numpy as np
from numpy.typing import NDArray

Color = tuple[int, int, int]


def noise(seed: int, count: int) -> NDArray[np.uint8]:
    """`count` random bytes (vectorised splitmix64)."""
    word = np.arange(1, -(-count // 8) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    word += np.uint64(seed & 0xFFFFFFFFFFFFFFFF)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    return word.astype("<u8").view(np.uint8)[:count]


def smooth_noise(seed: int, height: int, width: int, step: int) -> NDArray[np.int32]:
    """(H, W) values 0..255 that vary over about `step` pixels: a random grid, interpolated
    linearly.
    """
    rows, columns = height // step + 2, width // step + 2
    grid = noise(seed, rows * columns).reshape(rows, columns).astype(np.int32)
    y, fy = np.divmod(np.arange(height), step)
    x, fx = np.divmod(np.arange(width), step)
    across = grid[:, x] * (step - fx).astype(np.int32) + grid[:, x + 1] * fx.astype(np.int32)
    down = (step - fy).astype(np.int32)[:, None]
    mixed: NDArray[np.int32] = (across[y] * down + across[y + 1] * (step - down)) // (step * step)
    return mixed


def cells(a: NDArray[np.int32], b: NDArray[np.int32], seed: int) -> NDArray[np.int32]:
    """A random byte for each pair of integers, the same for the same pair: texture fixed to the
    world.
    """
    word = (a.astype(np.uint32) * np.uint32(0x9E3779B1)) ^ (
        b.astype(np.uint32) * np.uint32(0x85EBCA77)
    )
    word ^= np.uint32(seed & 0xFFFFFFFF)
    word = (word ^ (word >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    word = (word ^ (word >> np.uint32(12))) * np.uint32(0x297A2D39)
    byte: NDArray[np.int32] = ((word >> np.uint32(16)) & np.uint32(255)).astype(np.int32)
    return byte


def scale(color: Color, by: int) -> Color:
    """The colour times `by` / 256."""
    red, green, blue = (min(255, c * by >> 8) for c in color)
    return red, green, blue


def blend(first: Color, second: Color, share: int) -> Color:
    """The mixture with `share` / 256 of the second colour."""
    red, green, blue = (
        (a * (256 - share) + b * share) >> 8 for a, b in zip(first, second, strict=True)
    )
    return red, green, blue


def soften(pixels: NDArray[np.int16]) -> NDArray[np.int16]:
    """A 3 x 3 binomial blur of (H, W, 3); the outermost rows and columns are blurred along
    themselves only.
    """
    out = pixels.copy()
    inner = out[:, 1:-1]
    inner *= 2
    inner += pixels[:, :-2]
    inner += pixels[:, 2:]
    inner >>= 2
    down = out.copy()
    inner = down[1:-1]
    inner *= 2
    inner += out[:-2]
    inner += out[2:]
    inner >>= 2
    return down
