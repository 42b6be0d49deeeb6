"""The general way into image files, through Pillow: every format and flavour that `png.py` does not
read.

It gives the same values as the fast way, and is what is used where the native kernels were not
built. Nothing here knows classes or metrics.
"""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from bench.errors import DataError
from bench.images import orientation
from bench.images.values import NoLabelsError, single, whole
from bench.samples import Array

if TYPE_CHECKING:
    from PIL import Image

LABEL_MODES = ("1", "L", "P", "I;16", "I;16B", "I", "F")
"""Pillow's names for one value per pixel: bits, grey, palette, 16 and 32 bit, floating point."""
_PAGED = ("TIFF", "GIF", "WEBP", "PNG")
"""Formats whose files may hold several images."""
_BYTE = 8  # bits

T = TypeVar("T")


def with_pillow(path: str | Path, read: Callable[[Image.Image], T]) -> T:
    """Open the file and read it with one of the functions below.

    Raises:
        DataError: the file is not an image, is damaged, or is not what `read` expects.
    """
    from PIL import Image, UnidentifiedImageError  # most label maps never need it

    # Pillow warns of damage and of large images before it refuses them; the refusal says it.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with Image.open(path) as image:
            return read(image)
    except NoLabelsError as error:
        raise DataError(f"{path}: {error}") from None
    except UnidentifiedImageError:
        raise DataError(f"{path}: this is not an image that can be read") from None
    except Image.DecompressionBombError as error:
        claimed, most = re.findall(r"\d+", str(error))[:2]
        raise DataError(
            f"{path}: the image header says {claimed} pixels; at most {most} are read"
        ) from None
    except (OSError, SyntaxError, ValueError, struct.error, zlib.error) as error:
        raise DataError(f"{path}: the image cannot be decoded ({error})") from None


def picture_of(image: Image.Image) -> tuple[Array, int, bool]:
    """Any image as RGB (H, W, 3) uint8, its orientation, and whether Pillow has turned it upright
    by itself.
    """
    tag = orientation_of(image)
    refuse_pages(image)
    return to_rgb(image), tag, image.format == "TIFF"


def orientation_of(image: Image.Image) -> int:
    """The orientation in the EXIF of an image whose pixels were not loaded yet; 1, upright, where
    there is none.
    """
    if image.format == "TIFF":
        return orientation.valid(getattr(image, "tag_v2", {}).get(orientation.TAG))
    exif = image.info.get("exif")
    return orientation.tag_of(exif) if isinstance(exif, bytes) else orientation.UPRIGHT


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width once it is turned upright."""
    swapped = image.format != "TIFF" and orientation_of(image) in orientation.SWAPPING
    return (image.width, image.height) if swapped else (image.height, image.width)


def refuse_pages(image: Image.Image) -> None:
    """Refuse files of several images; smaller copies of the first (thumbnails, pyramids) are not
    counted.
    """
    count = getattr(image, "n_frames", 1) if image.format in _PAGED else 1
    if count > 1 and any(_is_page(image, number) for number in range(1, count)):
        kind = "pages" if image.format == "TIFF" else "images"
        raise NoLabelsError(
            f"the {image.format} holds {count} {kind}, but a file must hold one image; store "
            "each in its own file"
        )
    if count > 1:
        image.seek(0)


def _is_page(image: Image.Image, number: int) -> bool:
    if image.format != "TIFF":
        return True
    image.seek(number)
    kind = getattr(image, "tag_v2", {}).get(254, 0)  # NewSubfileType: 1 is a smaller copy, 4 a mask
    return not (isinstance(kind, int) and kind & 5)


def to_rgb(image: Image.Image) -> Array:
    """Any image as RGB, (H, W, 3) uint8, as it is stored."""
    if image.mode == "F":
        raise NoLabelsError("the image holds floating-point numbers; images have 8 or 16 bits")
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow would clip at 255 instead of keeping the high byte.
        return np.repeat((np.array(image) >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def to_label_colors(image: Image.Image) -> Array:
    """Colours per pixel of a label file, (H, W, 3) uint8; a palette is looked up, grey is
    repeated.
    """
    refuse_unfit(image)
    return to_rgb(image)


def to_colors(image: Image.Image) -> Array:
    """Colours per pixel, (H, W, 3) uint8; a palette is looked up, grey is refused."""
    refuse_unfit(image)
    if image.mode not in ("RGB", "RGBA", "P"):
        raise NoLabelsError(
            "this is a grey image; a panoptic map holds segment ids as R + 256 G + 65536 B"
        )
    return to_rgb(image)


def palette(image: Image.Image) -> Array:
    """The colours of an image with a palette, (K, 3) uint8."""
    return np.array(image.getpalette() or [], dtype=np.uint8).reshape(-1, 3)


def has_colors(image: Image.Image) -> bool:
    """Whether an image holds colours per pixel; a GIF does where its palette is not grey."""
    if image.format == "GIF" and image.mode == "P":
        return grey_values(image) is None
    return image.mode not in (*LABEL_MODES, "LA", "PA")


def to_labels(image: Image.Image) -> Array:
    """One value per pixel, (H, W) uint8 or uint16: palette index or the stored grey value."""
    refuse_unfit(image)
    if image.format == "GIF" and image.mode == "P":
        grey = grey_values(image)
        if grey is None:
            raise NoLabelsError(
                "this GIF has colours, and programs renumber the palette when they store a GIF, "
                "so its indices are not reliable as labels; store a PNG"
            )
        return grey
    if image.mode in ("LA", "RGB", "RGBA"):
        if _bits(image) > _BYTE:
            raise NoLabelsError(
                f"this image has channels of {_bits(image)} bits; store one grey value per pixel"
            )
        return single(np.array(image))
    if image.mode not in LABEL_MODES:
        raise NoLabelsError(f"this is a colour image ({image.mode}) where a label map is expected")
    stretch = _stretch(image)
    labels = np.array(image)
    return cast("Array", labels // stretch) if stretch > 1 else whole(labels)


def grey_values(image: Image.Image) -> Array | None:
    """The grey values of an image with a palette, (H, W) uint8; None where it has colours."""
    indices = np.array(image)
    colors = palette(image)
    used = np.flatnonzero(np.bincount(indices.reshape(-1), minlength=len(colors)))
    if used[-1] >= len(colors) or bool((colors[used] != colors[used][:, :1]).any()):
        return None
    return cast("Array", colors[:, 0][indices])


def _bits(image: Image.Image) -> int:
    """Bits of a channel as the file has them; Pillow halves 16-bit colours without a word."""
    if image.format == "TIFF":
        return int(max(getattr(image, "tag_v2", {}).get(258, (_BYTE,))))
    return 16 if "16" in _raw_mode(image) else _BYTE


def _stretch(image: Image.Image) -> int:
    """How far Pillow stretches grey values of 2 and 4 bits to fill 0 ... 255; known only before the
    pixels load.
    """
    return {"L;2": 85, "L;4": 17}.get(_raw_mode(image), 1) if image.mode == "L" else 1


def _raw_mode(image: Image.Image) -> str:
    """What the pixels are in the file, which is known only before they load."""
    tiles = getattr(image, "tile", [])
    args = tiles[0][3] if tiles else ""
    return str(args if isinstance(args, str) else args[0])


def refuse_unfit(image: Image.Image, *, lossy: bool = False) -> None:
    """Refuse files of several images, turned ones and, but with `lossy`, formats that change
    values.
    """
    if not lossy:
        _refuse_lossy(image)
    refuse_pages(image)
    if orientation_of(image) != orientation.UPRIGHT:
        raise NoLabelsError(orientation.refusal(orientation_of(image)))


def _refuse_lossy(image: Image.Image) -> None:
    changes = image.format in ("JPEG", "MPO", "JPEG2000")
    if changes or (
        image.format == "WEBP"
        and not _is_lossless(Path(getattr(image, "filename", "")).read_bytes())
    ):
        kind = "lossy WebP" if image.format == "WEBP" else image.format
        raise NoLabelsError(
            f"a {kind} changes pixel values and cannot hold labels; a PNG is expected"
        )


def _is_lossless(data: bytes) -> bool:
    """Whether the chunks of a WebP hold a lossless image."""
    at = 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in (b"VP8L", b"VP8 "):
            return kind == b"VP8L"
        # The chunk of one image of an animation holds chunks itself, behind 16 bytes.
        at += 24 if kind == b"ANMF" else 8 + length + (length & 1)
    return False
