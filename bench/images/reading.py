"""Decoding of image files: images, label maps, masks, panoptic maps, and what their headers say.

PNGs are read by `png.py` where it is the quicker way, arrays of NumPy by `arrays.py`, and all
others through Pillow.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench import kernels
from bench.errors import DataError
from bench.images import arrays, levels, orientation, pillow, png
from bench.images.levels import Levels
from bench.images.values import NoLabelsError, single
from bench.samples import Array, Image

Turn = Callable[[int, tuple[int, int]], bool]
"""Whether to turn an image of this orientation (2 to 8), whose upright size (height, width) is
this.
"""

_BYTE = 8  # bits
_HEADER = 33
"""Bytes of a PNG up to the end of its header."""
_HEAD = 1 << 16
"""Bytes of a PNG in which its orientation is looked for."""

T = TypeVar("T")


def read_rgb(path: str | Path, turn: Turn | None = None) -> Image:
    """Read an image of any kind as RGB, shape (H, W, 3) uint8: grey is repeated, alpha dropped, 16
    bit halved.

    `turn` decides whether to turn an image whose EXIF tag says so; without it pixels are returned
    as stored.

    Raises:
        DataError: the file is missing, damaged, of several pages, or no image.
    """
    picture, tag, is_upright = _picture(path, _bytes(path))
    if tag == orientation.UPRIGHT or turn is None:
        return picture
    height, width = picture.shape[:2]
    wanted = turn(
        tag, (width, height) if tag in orientation.SWAPPING and not is_upright else (height, width)
    )
    if wanted == is_upright:
        return picture
    return orientation.turned(picture, tag) if wanted else orientation.turned_back(picture, tag)


def read_orientation(path: str | Path) -> tuple[int, tuple[int, int]]:
    """The orientation of an image, 1 to 8, and its height and width once it is upright, from its
    first bytes.

    Raises:
        DataError: the file is missing or no image.
    """
    head = _bytes(path, _HEAD)
    if not head.startswith(png.SIGNATURE):
        return pillow.with_pillow(
            path, lambda image: (pillow.orientation_of(image), pillow.upright_size(image))
        )
    header, tag = _checked(path, lambda: png.read_header(head)), png.tag_of(head)
    size = header.height, header.width
    return tag, size[::-1] if tag in orientation.SWAPPING else size


def read_labels(path: str | Path) -> Array:
    """Read a label map: palette indices or raw grey values, shape (H, W), uint8, or uint16 for
    larger values.

    Values of files with 1, 2 or 4 bits are the stored ones (a 1-bit mask holds 0 and 1), not
    stretched to 255. Equal channels are one grey value. Arrays of NumPy are read too.

    Raises:
        DataError: the file is missing, damaged, of several pages, in colours, or in a format that
            changes values.
    """
    data = _bytes(path)
    if arrays.is_array(data):
        return _checked(path, lambda: arrays.labels(data))
    header = _fast(path, data)
    if header is None and data.startswith(png.SIGNATURE):
        header = _wide(path, data)
    if header is None:
        return pillow.with_pillow(path, pillow.to_labels)
    decoded = _decode(path, data)
    return decoded if decoded.ndim == 2 else _checked(path, lambda: single(decoded))


def read_color_labels(path: str | Path) -> Image:
    """Read a label map whose classes are colours, shape (H, W, 3) uint8; a palette is looked up.

    Raises:
        DataError: the file is missing, damaged, or a JPEG, which changes colours.
    """
    data = _bytes(path)
    if not data.startswith(png.SIGNATURE):
        return pillow.with_pillow(path, pillow.to_label_colors)
    picture, tag, _ = _picture(path, data)
    if tag != orientation.UPRIGHT:
        raise DataError(f"{path}: {orientation.refusal(tag)}")
    return picture


def read_levels(path: str | Path) -> Levels:
    """Read how bright the pixels of a mask are, in any format, JPEG included.

    Raises:
        DataError: the file is missing, damaged, in colours, or of another depth than 8 or 16 bits.
    """
    data = _bytes(path)
    if arrays.is_array(data):
        return _checked(path, lambda: levels.of_array(arrays.values(data)))
    header = _fast(path, data)
    if header is None and data.startswith(png.SIGNATURE):
        header = _wide(path, data)
    if header is None or header.depth < _BYTE or header.color == png.PALETTE:
        return pillow.with_pillow(path, levels.of_image)
    decoded = _decode(path, data)
    return _checked(
        path, lambda: levels.of_array(decoded if decoded.ndim == 2 else single(decoded))
    )


def read_panoptic_ids(path: str | Path) -> tuple[Array, Array]:
    """Read a panoptic map, id = R + 256 G + 65536 B: (H, W) int32, and (F, 2) int64 of each id in
    it and its pixels.

    Raises:
        DataError: the file is missing, damaged, a JPEG, or has no colours.
    """
    data = _bytes(path)
    header = _fast(path, data)
    if header and _is_plain_rgb(header):
        return _checked(path, lambda: png.decode_ids(data))
    return kernels.color_ids(pillow.with_pillow(path, pillow.to_colors))


def read_pairs(
    truth: str | Path, prediction: str | Path, *, colors: bool = False
) -> tuple[Array, tuple[int, int]] | None:
    """Count the pixels of every pair of labels of two maps or, with `colors`, of ids of two
    panoptic maps.

    Returns (P, 3) int64 of truth, prediction and pixels, rising, and height and width. None where a
    file cannot be read, where sizes differ, or where one is not a plain PNG of 8 bits:
    `read_labels` and `read_panoptic_ids` read those, or say what is wrong with them.
    """
    if kernels.which() == "reference":
        return None
    try:
        return png.decode_pairs(_bytes(truth), _bytes(prediction), colors=colors)
    except (png.PngError, DataError):
        return None


def is_color(path: str | Path) -> bool:
    """Whether the file holds colours per pixel (RGB, RGBA, ...) rather than one index or grey
    value.

    Raises:
        DataError: the file is missing or no image.
    """
    head = _bytes(path, _HEADER)
    if head.startswith(png.SIGNATURE):
        return _checked(path, lambda: png.read_header(head)).color in (png.RGB, png.RGB_ALPHA)
    if arrays.is_array(head):
        return False
    return pillow.with_pillow(path, pillow.has_colors)


def read_palette(path: str | Path) -> Array | None:
    """The colours of a palette PNG by index, (K, 3) uint8; None for other images.

    Raises:
        DataError: the file is missing or no image.
    """
    head = _bytes(path, _HEADER)
    if (
        not head.startswith(png.SIGNATURE)
        or _checked(path, lambda: png.read_header(head)).color != png.PALETTE
    ):
        return None
    return pillow.with_pillow(path, pillow.palette)


def image_size(path: str | Path) -> tuple[int, int]:
    """Read height and width from the header alone.

    Raises:
        DataError: the file is missing or no image.
    """
    head = _bytes(path, _HEADER)
    if arrays.is_array(head):
        return _checked(path, lambda: arrays.size(_bytes(path)))
    if head.startswith(png.SIGNATURE):
        header = _checked(path, lambda: png.read_header(head))
        return header.height, header.width
    return pillow.with_pillow(path, lambda image: (image.height, image.width))


def _bytes(path: str | Path, count: int = -1) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(count)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not data:
        raise DataError(f"{path}: the file is empty (0 bytes)")
    return data


def _picture(path: str | Path, data: bytes) -> tuple[Image, int, bool]:
    """An image (H, W, 3) uint8, its orientation, and whether it was turned upright already."""
    if not data.startswith(png.SIGNATURE):
        return pillow.with_pillow(path, pillow.picture_of)
    header = _fast(path, data, picture=True)
    if header and _is_plain_rgb(header):
        picture = _checked(path, lambda: png.decode(data, picture=True))
    else:
        picture, _, _ = pillow.with_pillow(path, pillow.picture_of)
    return picture, png.tag_of(data), False  # Pillow misses a tag behind the pixels


def _checked(path: str | Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except (png.PngError, NoLabelsError) as error:
        raise DataError(f"{path}: {error}") from None


def _fast(path: str | Path, data: bytes, *, picture: bool = False) -> png.Header | None:
    """The header, where our own decoder reads the file and is the quicker one."""
    if not data.startswith(png.SIGNATURE):
        return None
    header = _checked(path, lambda: png.read_header(data))
    if header.interlaced or kernels.which() == "reference":
        _checked(path, lambda: png.verify(data, picture=picture))  # Pillow overlooks damaged pixels
        return None
    return header


def _wide(path: str | Path, data: bytes) -> png.Header | None:
    """The header of a PNG of 16-bit channels, which Pillow halves: our decoder reads it, even where
    it is slower.
    """
    header = _checked(path, lambda: png.read_header(data))
    return (
        header
        if header.depth == 16 and png.CHANNELS[header.color] > 1 and not header.interlaced
        else None
    )


def _is_plain_rgb(header: png.Header) -> bool:
    return header.color == png.RGB and header.depth == 8


def _decode(path: str | Path, data: bytes) -> Array:
    return _checked(path, lambda: png.decode(data))
