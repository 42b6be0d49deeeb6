"""From images to the array that an exported network takes, and from its output to a class for every pixel, in NumPy.

Images are resized by Pillow's bilinear filter, which averages where it shrinks; classes are chosen after the planes of
the output are resized bilinearly. This module knows neither files, nor runtimes, nor cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from bench.samples import Array, Image

Size = tuple[int, int]


def resize_image(image: Image, size: Size) -> Image:
    """Resize a picture (H, W, 3) uint8 to (height, width) `size`, bilinear, averaging where it shrinks."""
    if image.shape[:2] == size:
        return image
    from PIL import Image as Pillow

    return np.asarray(Pillow.fromarray(image).resize(size[::-1], Pillow.Resampling.BILINEAR))


def pad(image: Image, stride: int) -> Image:
    """Repeat the last row and column until both sides are multiples of `stride`."""
    below, right = -image.shape[0] % stride, -image.shape[1] % stride
    return np.pad(image, ((0, below), (0, right), (0, 0)), mode="edge") if below or right else image


def resize_plane(plane: Array, size: Size) -> Array:
    """Resize one plane (h, w) of numbers bilinearly, as torch does without align_corners and antialias; float32.

    >>> resize_plane(np.array([[0.0, 4.0]]), (1, 4))
    array([[0., 1., 3., 4.]], dtype=float32)
    """
    found = np.asarray(plane, dtype=np.float32)
    if found.shape[0] != size[0]:
        low, high, share = _between(found.shape[0], size[0])
        found = found[low] + (found[high] - found[low]) * share[:, None]
    if found.shape[1] != size[1]:
        low, high, share = _between(found.shape[1], size[1])
        left = found.take(low, axis=1)
        found = left + (found.take(high, axis=1) - left) * share
    return found


def largest(planes: Iterable[Array], size: Size) -> Array:
    """The number of the plane with the largest value at every pixel, the first of equal ones; (H, W) int32."""
    best = np.full(size, -np.inf, dtype=np.float32)
    labels = np.zeros(size, dtype=np.int32)
    for number, plane in enumerate(planes):
        better = plane > best
        labels[better] = number
        np.copyto(best, plane, where=better)
    return labels


def confidence(planes: Iterable[Array], *, logits: bool) -> Array:
    """How sure the largest plane is at every pixel: its softmax where the planes are `logits`, else its value."""
    stack = np.stack(list(planes))
    top = stack.max(axis=0)
    if not logits:
        return np.asarray(np.clip(top, 0, 1))
    return np.asarray(1 / np.exp(stack - top).sum(axis=0), dtype=np.float32)


def dequantised(output: Array, scales: Array, zeros: Array) -> Iterator[Array]:
    """The planes of an output (C, h, w) as real numbers: with no scale as they are, else with one or with C scales."""
    for number in range(len(output)):
        plane = output[number].astype(np.float32)
        which = number if scales.size > 1 else 0
        yield (plane - np.float32(zeros[which])) * np.float32(scales[which]) if scales.size else plane


def _between(old: int, new: int) -> tuple[Array, Array, Array]:
    """For each new position the two old ones around it, and the share of the second."""
    place = np.clip((np.arange(new, dtype=np.float32) + 0.5) * np.float32(old / new) - 0.5, 0, None)
    low = np.minimum(place.astype(np.int64), old - 1)
    return low, np.minimum(low + 1, old - 1), (place - low).astype(np.float32)
