"""Pictures and label maps on disk: decoding, writing, sizes and the nearest-neighbour rule.

Label files are read by palette index or grey value, never by colour unless that is asked for. Whether a picture is
turned as its EXIF asks is decided by who knows the truth; label files that ask for it are refused. Nothing here knows
classes or metrics.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from bench import kernels
from bench.errors import DataError
from bench.images import arrays, levels, orientation, pillow, png
from bench.images.levels import Levels
from bench.images.values import NoLabelsError, single
from bench.samples import Array, Image

ARRAY_SUFFIXES = (".npy", ".npz")
LABEL_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif", ".webp", *ARRAY_SUFFIXES)
LOSSY_SUFFIXES = (".jpg", ".jpeg")
"""What label files are too where a threshold makes labels of their values."""
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".gif", ".webp")

Turn = Callable[[int, tuple[int, int]], bool]
"""Whether to turn a picture of this orientation (2 to 8), whose upright size (height, width) is this."""

_PALETTE_SIZE = 256
_BYTE = 8  # bits
_HEAD = 1 << 16
"""Bytes in which a PNG tells its orientation."""

T = TypeVar("T")


def read_rgb(path: str | Path, turn: Turn | None = None) -> Image:
    """Read a picture of any kind as RGB, shape (H, W, 3) uint8: grey is repeated, alpha dropped, 16 bit halved.

    `turn` is asked whether to turn a picture whose EXIF wants it turned; without it pixels come as they are decoded.

    Raises:
        DataError: the file is missing, damaged, of several pages, or no image.
    """
    data = _bytes(path)
    header = _fast(path, data, picture=True)
    if header and _is_plain_rgb(header):
        picture = _checked(path, lambda: png.decode(data, picture=True))
        tag, is_upright = png.tag_of(data), False
    else:
        picture, tag, is_upright = pillow.with_pillow(path, pillow.picture_of)
    if tag == orientation.UPRIGHT or turn is None:
        return picture
    height, width = picture.shape[:2]
    wanted = turn(tag, (width, height) if tag in orientation.SWAPPING and not is_upright else (height, width))
    if wanted == is_upright:
        return picture
    return orientation.turned(picture, tag) if wanted else orientation.turned_back(picture, tag)


def read_orientation(path: str | Path) -> tuple[int, tuple[int, int]]:
    """The orientation of a picture, 1 to 8, and its height and width once it is upright, from its first bytes.

    Raises:
        DataError: the file is missing or no image.
    """
    head = _bytes(path, _HEAD)
    if not head.startswith(png.SIGNATURE):
        return pillow.with_pillow(path, lambda image: (pillow.orientation_of(image), pillow.upright_size(image)))
    header, tag = _checked(path, lambda: png.read_header(head)), png.tag_of(head)
    size = header.height, header.width
    return tag, size[::-1] if tag in orientation.SWAPPING else size


def read_labels(path: str | Path) -> Array:
    """Read a label map: palette indices or raw grey values, shape (H, W), uint8, or uint16 for larger values.

    Values of files with 1, 2 or 4 bits are the stored ones (a 1-bit mask holds 0 and 1), not stretched to 255. Equal
    channels are one grey value. Arrays of NumPy are read too.

    Raises:
        DataError: the file is missing, damaged, of several pages, in colours, or in a format that changes values.
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
        pillow.with_pillow(path, pillow.refuse_unfit)
    else:
        _checked(path, lambda: png.read_header(data))
        if png.tag_of(data) != orientation.UPRIGHT:
            raise DataError(f"{path}: {orientation.refusal(png.tag_of(data))}")
    return read_rgb(path)


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
    return _checked(path, lambda: levels.of_array(decoded if decoded.ndim == 2 else single(decoded)))


def read_panoptic_ids(path: str | Path) -> tuple[Array, Array]:
    """Read a panoptic map, id = R + 256 G + 65536 B: (H, W) int32, and (F, 2) int64 of each id in it and its pixels.

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
    """Count the pixels of every pair of labels of two maps or, with `colors`, of ids of two panoptic maps.

    Returns (P, 3) int64 of truth, prediction and pixels, rising, and height and width. None where a file cannot be
    read, where sizes differ, or where one is no plain PNG of 8 bits: `read_labels` and `read_panoptic_ids` read those,
    or say what is wrong with them.
    """
    if kernels.which() == "reference":
        return None
    try:
        return png.decode_pairs(_bytes(truth), _bytes(prediction), colors=colors)
    except (png.PngError, DataError):
        return None


def is_color(path: str | Path) -> bool:
    """Whether the file holds colours per pixel (RGB, RGBA, ...) rather than one index or grey value.

    Raises:
        DataError: the file is missing or no image.
    """
    head = _bytes(path, 33)
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
    head = _bytes(path, 33)
    if not head.startswith(png.SIGNATURE) or _checked(path, lambda: png.read_header(head)).color != png.PALETTE:
        return None
    return pillow.with_pillow(path, pillow.palette)


def image_size(path: str | Path) -> tuple[int, int]:
    """Read height and width from the header alone.

    Raises:
        DataError: the file is missing or no image.
    """
    head = _bytes(path, 33)
    if arrays.is_array(head):
        return _checked(path, lambda: arrays.size(_bytes(path)))
    if head.startswith(png.SIGNATURE):
        header = _checked(path, lambda: png.read_header(head))
        return header.height, header.width
    return pillow.with_pillow(path, lambda image: (image.height, image.width))


def write_labels(path: str | Path, labels: Array, palette: Array | None = None) -> None:
    """Write a label map (H, W) as PNG: uint8 as grey or, with a `palette` (256, 3), indexed; uint16 as 16 bit.

    Raises:
        DataError: the file cannot be written.
    """
    from PIL import Image as PillowImage

    image = PillowImage.fromarray(np.ascontiguousarray(labels))
    if palette is not None and labels.dtype == np.uint8:
        image.putpalette(np.asarray(palette, dtype=np.uint8).tobytes())
    _write(path, lambda temporary: image.save(temporary, format="PNG"))


def write_rgb(path: str | Path, picture: Array) -> None:
    """Write an RGB picture (H, W, 3) uint8 by its suffix: .png without loss, .jpg with quality 95.

    Raises:
        DataError: another suffix, or the file cannot be written.
    """
    from PIL import Image as PillowImage

    suffix = Path(path).suffix.lower()
    image = PillowImage.fromarray(np.ascontiguousarray(picture))
    if suffix == ".png":
        _write(path, lambda temporary: image.save(temporary, format="PNG", compress_level=3))
    elif suffix in (".jpg", ".jpeg"):
        _write(path, lambda temporary: image.save(temporary, format="JPEG", quality=95))
    else:
        raise DataError(f"{path}: pictures are written as .png or .jpg, not as {suffix or 'a file without suffix'}")


def write_panoptic_ids(path: str | Path, ids: Array) -> None:
    """Write a panoptic map (H, W) of ids below 2^24 as RGB PNG, id = R + 256 G + 65536 B.

    Raises:
        DataError: an id that 24 bits do not hold, or the file cannot be written.
    """
    if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < 1 << 24:
        raise DataError(f"{path}: segment ids lie in 0 ... {(1 << 24) - 1}, not {ids.min()} ... {ids.max()}")
    wide = ids.astype(np.uint32)
    rgb = np.stack([wide & 255, wide >> 8 & 255, wide >> 16], axis=-1).astype(np.uint8)
    write_rgb(Path(path).with_suffix(".png"), rgb)


def voc_palette() -> Array:
    """The colours of PASCAL VOC, (256, 3) uint8: the bits of the index, dealt out to red, green and blue in turn.

    >>> voc_palette()[[1, 15, 255]].tolist()
    [[128, 0, 0], [192, 128, 128], [224, 224, 192]]
    """
    index = np.arange(_PALETTE_SIZE)
    palette = np.zeros((_PALETTE_SIZE, 3), dtype=np.uint8)
    for bit in range(8):
        palette[:, bit % 3] |= ((index >> bit & 1) << (7 - bit // 3)).astype(np.uint8)
    return palette


def resize_nearest(labels: Array, size: tuple[int, int]) -> Array:
    """Resize a label map (H, W) to `size` without inventing labels; equal to Pillow's NEAREST to the pixel.

    Row i of the result is row floor((i + 0.5) H / height), pixel centre to pixel centre; likewise for columns. Where
    that is a whole number (ties, common when 320 becomes 500) the result hangs on rounding: positions are summed in
    double precision step by step, as Pillow does, because most published predictions were resized that way.

    >>> resize_nearest(np.uint8([[1, 2]]), (1, 4)).tolist()
    [[1, 1, 2, 2]]
    """
    if labels.shape[:2] == tuple(size):
        return labels
    rows, columns = (_nearest(old, new) for old, new in zip(labels.shape, size, strict=False))
    return cast("Array", labels[rows][:, columns])


def _nearest(old: int, new: int) -> Array:
    steps = np.full(new, old / new)
    steps[:1] *= 0.5
    return np.minimum(np.add.accumulate(steps).astype(np.intp), old - 1)


def _bytes(path: str | Path, count: int = -1) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(count)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not data:
        raise DataError(f"{path}: the file is empty (0 bytes)")
    return data


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
    """The header of a PNG of 16-bit channels, which Pillow halves: our decoder reads it, even where it is slower."""
    header = _checked(path, lambda: png.read_header(data))
    return header if header.depth == 16 and png.CHANNELS[header.color] > 1 and not header.interlaced else None


def _is_plain_rgb(header: png.Header) -> bool:
    return header.color == png.RGB and header.depth == 8


def _decode(path: str | Path, data: bytes) -> Array:
    return _checked(path, lambda: png.decode(data))


def _write(path: str | Path, save: Callable[[Path], None]) -> None:
    """Write beside the target, then rename: whoever reads sees all of the file or none."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save(temporary)
        temporary.replace(target)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with suppress(OSError):
            temporary.unlink()
