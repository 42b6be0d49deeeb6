"""How bright each pixel of a mask is: grey values of any depth and format, lossy ones such as JPEG
included.

A network's probability, or a mask that was drawn, becomes two classes by a threshold. Nothing here
knows classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.images import pillow
from bench.images.values import NoLabelsError, single
from bench.samples import Array

if TYPE_CHECKING:
    from PIL import Image

BYTE, WORD = 255, 65535
"""The largest values of 8 and of 16 bits."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Values (H, W) of a mask, and the largest one that its file could hold."""

    values: Array
    full: int

    def reach(self, threshold: int) -> Array:
        """Where the mask is as bright as the threshold or brighter, (H, W) bool.

        Thresholds up to 255 are on the scale of 8 bits, others on that of 16 bits; values are
        brought to that scale.

        >>> Levels(np.uint16([[32895, 32896]]), 65535).reach(128).tolist()
        [[False, True]]
        """
        scale = BYTE if threshold <= BYTE else WORD
        dtype = np.float64 if self.values.dtype.kind == "f" else np.int64
        return np.asarray(self.values.astype(dtype) * scale >= threshold * self.full)


def of_array(values: Array) -> Levels:
    """The levels of an array (H, W): bool, 8 or 16 bits, or probabilities from 0 to 1.

    Raises:
        NoLabelsError: other numbers.
    """
    if values.dtype == np.bool_:
        return Levels(values, 1)
    if values.dtype == np.uint8:
        return Levels(values, BYTE)
    if values.dtype == np.uint16:
        return _words(values)
    if values.dtype.kind == "f":
        if not bool(((values >= 0) & (values <= 1)).all()):
            raise NoLabelsError(
                "a mask of floating-point numbers must hold probabilities from 0 to 1, and "
                "this one has other values"
            )
        return Levels(values, 1)
    raise NoLabelsError(
        f"a mask has 8 or 16 bits or holds probabilities, but this one holds {values.dtype}"
    )


def of_image(image: Image.Image) -> Levels:
    """The levels of an image, in any format.

    Raises:
        NoLabelsError: colours, transparent pixels, several pages, or 32-bit numbers.
    """
    pillow.refuse_unfit(image, lossy=True)
    if image.mode == "P":
        grey = pillow.grey_values(image)
        if grey is None:
            raise NoLabelsError("the palette of this mask has colours; a mask is grey")
        return of_array(grey)
    if image.mode in ("LA", "RGB", "RGBA"):
        return of_array(single(np.array(image)))
    if image.mode not in pillow.LABEL_MODES or image.mode == "I":
        raise NoLabelsError(f"a mask is a grey image of 8 or 16 bits, and this one is {image.mode}")
    return of_array(np.array(image))


def _words(values: Array) -> Levels:
    largest = int(values.max(initial=0))
    if largest in (1, BYTE) and set(np.unique(values).tolist()) <= {0, largest}:
        raise NoLabelsError(
            f"the mask has 16 bits but holds only 0 and {largest}, which is almost black at 16 "
            "bits; store it with 8 bits"
        )
    return Levels(values, WORD)
