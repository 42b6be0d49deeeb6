"""The general way into image files, through Pillow: every format and flavour that `png.py` does not read.

It gives the same values as the fast way, and is what is used where the native kernels were not built. Nothing here
knows classes or metrics.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from bench.errors import DataError
from bench.samples import Array

if TYPE_CHECKING:
    from PIL import Image

LABEL_MODES = ("1", "L", "P", "I;16", "I;16B", "I")
"""Pillow's names for one value per pixel: bits, grey, palette, 16 bit."""

T = TypeVar("T")


class _NoLabelsError(Exception):
    """An image that Pillow can read but that cannot hold what was asked for."""


def with_pillow(path: str | Path, read: Callable[[Image.Image], T]) -> T:
    """Open the file and read it with one of the functions below.

    Raises:
        DataError: the file is no image, damaged, or not what `read` wants.
    """
    from PIL import Image, UnidentifiedImageError  # most label maps never need it

    try:
        with Image.open(path) as image:
            return read(image)
    except _NoLabelsError as error:
        raise DataError(f"{path}: {error}") from None
    except UnidentifiedImageError:
        raise DataError(f"{path}: this is no image that can be read") from None
    except (OSError, SyntaxError, ValueError, struct.error, zlib.error, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: the image cannot be decoded ({error})") from None


def to_rgb(image: Image.Image) -> Array:
    """Any picture as RGB, (H, W, 3) uint8."""
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow would clip at 255 instead of keeping the high byte.
        return np.repeat((np.array(image) >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def to_colors(image: Image.Image) -> Array:
    """Colours per pixel, (H, W, 3) uint8; a palette is looked up, grey is refused."""
    refuse_lossy(image)
    if image.mode not in ("RGB", "RGBA", "P"):
        raise _NoLabelsError("this is a grey image; a panoptic map holds segment ids as R + 256 G + 65536 B")
    return to_rgb(image)


def palette(image: Image.Image) -> Array:
    """The colours of an image with a palette, (K, 3) uint8."""
    return np.array(image.getpalette() or [], dtype=np.uint8).reshape(-1, 3)


def to_labels(image: Image.Image) -> Array:
    """One value per pixel, (H, W) uint8 or uint16: palette index or the stored grey value."""
    refuse_lossy(image)
    if image.mode == "F":
        raise _NoLabelsError("the pixels are no whole numbers and so no labels; take the argmax over the classes first")
    if image.mode not in LABEL_MODES:
        raise _NoLabelsError(
            f"this is a colour image or one with transparency ({image.mode}) where a label map is expected (palette "
            "index or grey value = label)"
        )
    stretch = _stretch(image)
    labels = np.array(image)
    if stretch > 1:
        return cast("Array", labels // stretch)
    if image.mode.startswith("I"):
        if labels.min() < 0 or labels.max() > 65535:
            raise _NoLabelsError(f"label values lie in 0 ... 65535, not {labels.min()} ... {labels.max()}")
        return labels.astype(np.uint16)
    return labels.astype(np.uint8)


def _stretch(image: Image.Image) -> int:
    """How far Pillow stretches grey values of 2 and 4 bits to fill 0 ... 255; known only before the pixels load."""
    tiles = getattr(image, "tile", [])
    args = tiles[0][3] if tiles else ""
    raw_mode = args if isinstance(args, str) else args[0]
    return {"L;2": 85, "L;4": 17}.get(str(raw_mode), 1) if image.mode == "L" else 1


def refuse_lossy(image: Image.Image) -> None:
    """Refuse formats that change values when they are written."""
    if image.format in ("JPEG", "MPO", "WEBP", "JPEG2000"):
        raise _NoLabelsError(f"a {image.format} changes pixel values and cannot hold labels; a PNG is expected")
