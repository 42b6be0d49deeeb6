"""Resizing images for exported networks, and choosing the class of every pixel from their output.

Images are resized by Pillow's bilinear filter, which averages when it shrinks. The class of a pixel
is chosen after the planes of the output (one per class) are resized bilinearly. NumPy only: this
module knows neither files, nor runtimes, nor cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from bench.samples import Array, Image

Size = tuple[int, int]


def resize_image(image: Image, size: Size) -> Image:
    """Resize an image (H, W, 3) uint8 to (height, width), bilinear, averaging when it shrinks."""
    if image.shape[:2] == size:
        return image
    from PIL import Image as Pillow

    return np.asarray(Pillow.fromarray(image).resize(size[::-1], Pillow.Resampling.BILINEAR))


def pad(image: Image, stride: int) -> Image:
    """Repeat the last row and column until both sides are multiples of `stride`."""
    below, right = -image.shape[0] % stride, -image.shape[1] % stride
    return np.pad(image, ((0, below), (0, right), (0, 0)), mode="edge") if below or right else image


def resize_plane(plane: Array, size: Size) -> Array:
    """Resize one plane (h, w) of numbers bilinearly, as torch does without align_corners and
    antialias; float32.

    >>> resize_plane(np.array([[0.0, 4.0]]), (1, 4))
    array([[0., 1., 3., 4.]], dtype=float32)
    """
    result = np.asarray(plane, dtype=np.float32)
    if result.shape[0] != size[0]:
        low, high, fraction = _neighbours(result.shape[0], size[0])
        result = result[low] + (result[high] - result[low]) * fraction[:, None]
    if result.shape[1] != size[1]:
        low, high, fraction = _neighbours(result.shape[1], size[1])
        left = result.take(low, axis=1)
        result = left + (result.take(high, axis=1) - left) * fraction
    return result


def largest(planes: Iterable[Array], size: Size) -> Array:
    """The index of the plane with the largest value at every pixel, (H, W) int32.

    Of equal planes the first is chosen.
    """
    best = np.full(size, -np.inf, dtype=np.float32)
    labels = np.zeros(size, dtype=np.int32)
    for index, plane in enumerate(planes):
        better = plane > best
        labels[better] = index
        np.copyto(best, plane, where=better)
    return labels


def confidence(planes: Iterable[Array], *, logits: bool) -> Array:
    """The confidence of the largest plane at every pixel.

    The softmax if the planes are `logits`, else the value itself.
    """
    stack = np.stack(list(planes))
    top = stack.max(axis=0)
    if not logits:
        return np.asarray(np.clip(top, 0, 1))
    return np.asarray(1 / np.exp(stack - top).sum(axis=0), dtype=np.float32)


def dequantised(output: Array, scales: Array, zeros: Array) -> Iterator[Array]:
    """The planes of an output (C, h, w) as real numbers.

    `scales` and `zeros` have 0 entries (not quantised), 1, or C.
    """
    for channel in range(len(output)):
        plane = output[channel].astype(np.float32)
        if scales.size:
            index = channel if scales.size > 1 else 0
            plane = (plane - np.float32(zeros[index])) * np.float32(scales[index])
        yield plane


def _neighbours(old: int, new: int) -> tuple[Array, Array, Array]:
    """For each new index the two old ones around it, and the weight of the second.

    Pixel centres are mapped to pixel centres, as in torch without `align_corners`: the centre of
    the new pixel i is at (i + 0.5) * old / new - 0.5 in old pixels.
    """
    position = np.clip(
        (np.arange(new, dtype=np.float32) + 0.5) * np.float32(old / new) - 0.5, 0, None
    )
    low = np.minimum(position.astype(np.int64), old - 1)
    return low, np.minimum(low + 1, old - 1), (position - low).astype(np.float32)
