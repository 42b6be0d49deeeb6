"""The images of a person's own data set as pictures: (H, W, 3) uint8 RGB, as models that ship take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import inputs
from bench.errors import UsageError
from bench.samples import Array


def picture(image: Any) -> Array:
    """The picture of an image of Pillow, an array (H, W, 3), or a tensor (3, H, W) of bytes or of numbers in [0, 1].

    Raises:
        UsageError: another shape, or numbers that are no colours.
    """
    if hasattr(image, "convert"):
        return np.asarray(image.convert("RGB"))
    found = inputs.array(image)
    if found.ndim == 2:
        found = np.stack([found] * 3, axis=2)
    if found.ndim == 3 and found.shape[0] in (1, 3) and found.shape[2] not in (1, 3):
        found = np.moveaxis(found, 0, 2)
    if found.ndim != 3 or found.shape[2] not in (1, 3):
        raise UsageError(f"an image is (H, W, 3) or a tensor (3, H, W), and this one {found.shape}")
    if found.shape[2] == 1:
        found = np.repeat(found, 3, axis=2)
    if found.dtype.kind == "f":
        low, high = float(found.min(initial=0)), float(found.max(initial=0))
        if low < 0 or high > 1:
            raise UsageError(
                f"an image with numbers from {low:.3g} to {high:.3g}; this model takes bytes, or numbers from 0 to 1: "
                "leave normalisation out of the data set, the model has its own"
            )
        found = np.rint(255 * found)
    if found.dtype.kind not in "uif" or int(found.min(initial=0)) < 0 or int(found.max(initial=0)) > 255:
        raise UsageError(f"an image of {found.dtype} up to {found.max(initial=0)}; bytes from 0 to 255 are needed")
    return np.ascontiguousarray(found.astype(np.uint8))
