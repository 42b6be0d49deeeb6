"""Images of the user's own data set as (H, W, 3) uint8 RGB, the form that shipped models take."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import inputs
from bench.errors import UsageError
from bench.samples import Array


def picture(image: Any) -> Array:
    """The RGB image of a Pillow image, an array (H, W, 3), or a tensor (3, H, W) of bytes or of [0,
    1].

    Raises:
        UsageError: another shape, or numbers that are not colours.
    """
    if hasattr(image, "convert"):
        return np.asarray(image.convert("RGB"))
    pixels = inputs.array(image)
    if pixels.ndim == 2:
        pixels = np.stack([pixels] * 3, axis=2)
    if pixels.ndim == 3 and pixels.shape[0] in (1, 3) and pixels.shape[2] not in (1, 3):
        pixels = np.moveaxis(pixels, 0, 2)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
        raise UsageError(
            f"an image must have the shape (H, W, 3), or (3, H, W) as a tensor, got {pixels.shape}"
        )
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.dtype.kind == "f":
        low, high = float(pixels.min(initial=0)), float(pixels.max(initial=0))
        if low < 0 or high > 1:
            raise UsageError(
                f"an image must hold bytes, or numbers from 0 to 1, got {low:.3g} to {high:.3g}: "
                "remove the normalisation from the data set, since the model has its own"
            )
        pixels = np.rint(255 * pixels)
    if (
        pixels.dtype.kind not in "uif"
        or int(pixels.min(initial=0)) < 0
        or int(pixels.max(initial=0)) > 255
    ):
        raise UsageError(
            f"an image must hold bytes from 0 to 255, got {pixels.dtype} up to "
            f"{pixels.max(initial=0)}"
        )
    return np.ascontiguousarray(pixels.astype(np.uint8))
