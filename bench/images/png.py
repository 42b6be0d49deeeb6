"""The fast way from the bytes of a PNG to its pixels: chunks, inflate with the fastest installed
library, unfilter.

Label maps decide how long an evaluation takes, and general decoders are several times slower on
them. What is unusual (interlaced files) is left to the caller; nothing here knows paths, classes or
colours' meaning.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from bench import kernels
from bench.images import orientation
from bench.samples import Array, Rle

inflater: Any = zlib
with suppress(ImportError):  # about ten times as fast as zlib on label maps
    from zlib_ng import zlib_ng as inflater

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
_DEPTHS = {
    GREY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GREY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}

ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""Interlacing: first column, first row, step in x and step in y of each pass."""

MAX_PIXELS = 1 << 28
"""Files that claim more pixels than this are refused: sixteen times the largest image of any
benchmark we know.
"""

_GROWTH = 1032  # no deflate stream grows by more


class PngError(ValueError):
    """Bytes that are not an intact PNG; the message says why."""


@dataclass(frozen=True)
class Header:
    """What the first chunk says: size in pixels, bits per sample, colour type of the specification,
    interlacing.
    """

    height: int
    width: int
    depth: int
    color: int
    interlaced: bool

    @property
    def stride(self) -> int:
        """Bytes of one row, without its filter byte."""
        return self._row_bytes(self.width)

    @property
    def filtered_size(self) -> int:
        """Bytes of all rows with their filter bytes, over the seven passes of an interlaced
        file.
        """
        if not self.interlaced:
            return self.height * (self.stride + 1)
        sizes = [(-((y - self.height) // dy), -((x - self.width) // dx)) for x, y, dx, dy in ADAM7]
        return sum(
            rows * (self._row_bytes(columns) + 1)
            for rows, columns in sizes
            if rows > 0 and columns > 0
        )

    def _row_bytes(self, columns: int) -> int:
        return (columns * self.depth * CHANNELS[self.color] + 7) // 8

    @property
    def bytes_per_pixel(self) -> int:
        """Distance to the pixel on the left, in bytes; 1 where several pixels share a byte."""
        return max(1, self.depth * CHANNELS[self.color] // 8)


def read_header(data: bytes) -> Header:
    """Read the header from the first 33 bytes of a file (more may follow).

    Raises:
        PngError: no signature, a damaged first chunk, or a size or type that no PNG has.
    """
    if not data.startswith(SIGNATURE):
        raise PngError("it is not a PNG (wrong first bytes)")
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise PngError("the PNG is cut off in its header")
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33], "big"):
        raise PngError("the header of the PNG is damaged (its checksum is wrong)")
    width, height, depth, color, compression, filtering, interlace = struct.unpack(
        ">IIBBBBB", data[16:29]
    )
    if depth not in _DEPTHS.get(color, ()) or compression or filtering or interlace > 1:
        raise PngError(
            f"the PNG header says colour type {color} with {depth} bits, which does not exist"
        )
    if not 0 < width * height <= MAX_PIXELS:
        raise PngError(
            f"the PNG header says {width} x {height} pixels; at least 1 and at most "
            f"{MAX_PIXELS} are read"
        )
    return Header(height, width, depth, color, bool(interlace))


def decode(data: bytes, *, picture: bool = False) -> Array:
    """Decode a PNG that is not interlaced, as it is stored.

    Returns (H, W) for grey values (raw samples, never scaled) and palette indices, else (H, W,
    channels); uint8, or uint16 for 16-bit files.

    Raises:
        PngError: damaged, cut off, interlaced, animated, or turned by its EXIF orientation (allowed
            for a `picture`).
    """
    header = _plain_header(data)
    filtered = _filtered(data, header, picture=picture)
    try:
        rows = kernels.unfilter(filtered, header.height, header.stride, header.bytes_per_pixel)
    except ValueError as error:
        raise PngError(f"the pixels of the PNG are damaged ({error})") from None
    return _samples(rows, header)


def decode_ids(data: bytes) -> tuple[Array, Array]:
    """Decode a PNG of 8-bit RGB that is not interlaced into ids R + 256 G + 65536 B.

    Returns the map (H, W) int32, and (F, 2) int64 of each id in it and its pixels, rising.

    Raises:
        PngError: damaged, cut off, interlaced, or of another kind.
    """
    header = _plain_header(data)
    if header.color != RGB or header.depth != 8:
        raise PngError("the PNG does not hold colours of three times 8 bits")
    filtered = _filtered(data, header)
    try:
        return kernels.filtered_ids(filtered, header.height, header.width)
    except ValueError as error:
        raise PngError(f"the pixels of the PNG are damaged ({error})") from None


def decode_pairs(truth: bytes, prediction: bytes, *, colors: bool) -> tuple[Array, tuple[int, int]]:
    """Count the pixels of each pair of values of two PNGs: of ids as `decode_ids` makes them, or of
    labels of 8 bits.

    Returns (P, 3) int64 of truth, prediction and pixels, rising, and height and width.

    Raises:
        PngError: one of them is damaged, cut off, interlaced or of another kind, or their sizes
            differ.
    """
    header, other = _plain_header(truth), _plain_header(prediction)
    kinds = (RGB,) if colors else (GREY, PALETTE)
    if not all(head.color in kinds and head.depth == 8 for head in (header, other)):
        raise PngError("the PNGs hold neither colours of three times 8 bits nor labels of 8 bits")
    size = header.height, header.width
    if size != (other.height, other.width):
        raise PngError("the PNGs have different sizes")
    rows = _filtered(truth, header), _filtered(prediction, other)
    try:
        return kernels.filtered_pair_counts(*rows, *size, header.bytes_per_pixel), size
    except ValueError as error:
        raise PngError(f"the pixels of the PNG are damaged ({error})") from None


def decode_mask(data: bytes) -> tuple[Rle, int]:
    """Decode a PNG of one channel of 1 or 8 bits that is not interlaced into the mask of what is
    not 0, and its pixels.

    Raises:
        PngError: damaged, cut off, interlaced, or of another kind.
    """
    header = _plain_header(data)
    if CHANNELS[header.color] != 1 or header.depth not in (1, 8):
        raise PngError("the PNG does not hold a mask of 1 or 8 bits")
    filtered = _filtered(data, header)
    try:
        code, pixels = kernels.filtered_mask(filtered, header.height, header.width, header.depth)
    except ValueError as error:
        raise PngError(f"the pixels of the PNG are damaged ({error})") from None
    return {"size": [header.height, header.width], "counts": code}, pixels


def verify(data: bytes, *, picture: bool = False) -> None:
    """Check that all chunks are there, that the checksums of the pixels are right, and that no
    pixel is missing.

    Raises:
        PngError: they are not, or as `decode`.
    """
    _filtered(data, read_header(data), picture=picture)


def tag_of(data: bytes) -> int:
    """The orientation that the chunks of a file ask for; 1, upright, where there are none or it is
    cut off.
    """
    if b"eXIf" not in data:
        return orientation.UPRIGHT
    with suppress(PngError):
        for kind, chunk in _chunks(data):
            if kind == b"eXIf":
                return orientation.tag_of(bytes(chunk))
    return orientation.UPRIGHT


def _plain_header(data: bytes) -> Header:
    header = read_header(data)
    if header.interlaced:
        raise PngError("the PNG is interlaced, which only the general decoder reads")
    return header


def _filtered(data: bytes, header: Header, *, picture: bool = False) -> memoryview:
    chunks = []
    for kind, chunk in _chunks(data):
        if kind == b"IDAT":
            chunks.append(chunk)
        elif kind == b"acTL" and int.from_bytes(chunk[:4], "big") > 1:
            raise PngError(
                f"the PNG is an animation of {int.from_bytes(chunk[:4], 'big')} images, but a "
                "file must hold one image"
            )
        elif (
            kind == b"eXIf"
            and not picture
            and orientation.tag_of(bytes(chunk)) != orientation.UPRIGHT
        ):
            raise PngError(orientation.refusal(orientation.tag_of(bytes(chunk))))
    return _inflate(chunks[0] if len(chunks) == 1 else b"".join(chunks), header.filtered_size)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the chunks up to IEND; those that carry pixels have their checksums verified."""
    view = memoryview(data)
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length = int.from_bytes(view[at : at + 4], "big")
        end = at + 12 + length
        kind = bytes(view[at + 4 : at + 8])
        if end > len(data):
            break
        if kind == b"IDAT" and inflater.crc32(view[at + 4 : end - 4]) != int.from_bytes(
            view[end - 4 : end], "big"
        ):
            raise PngError("the pixels of the PNG are damaged (a checksum is wrong)")
        if kind == b"IEND":
            return
        yield kind, view[at + 8 : end - 4]
        at = end
    raise PngError("the PNG is cut off before its end")


def _inflate(data: Any, expected: int) -> memoryview:
    """Inflate to exactly `expected` bytes; neither a false header nor an endless stream can make it
    use more memory.
    """
    if expected > _GROWTH * (len(data) + 64):
        raise PngError("the PNG header says more pixels than its data can hold")
    try:
        if _GROWTH * len(data) < max(4 * expected, MAX_PIXELS):
            # One buffer of the right size: growing it in steps costs more than inflating a label
            # map.
            raw = inflater.decompress(data, bufsize=expected)
        else:
            raw = zlib.decompressobj().decompress(data, expected)
    except (inflater.error, zlib.error) as error:
        raise PngError(f"the pixels of the PNG are damaged ({error})") from None
    if len(raw) < expected:
        raise PngError(f"the PNG holds {len(raw)} bytes of pixels instead of {expected}")
    return memoryview(raw)[:expected]


def _samples(rows: Array, header: Header) -> Array:
    channels = CHANNELS[header.color]
    shape = (
        (header.height, header.width) if channels == 1 else (header.height, header.width, channels)
    )
    if header.depth == 16:
        return cast("Array", rows.view(">u2").astype(np.uint16).reshape(shape))
    if header.depth == 8:
        return rows.reshape(shape)
    # Samples of less than a byte: the leftmost pixel is in the highest bits.
    shifts = np.arange(8 - header.depth, -1, -header.depth, dtype=np.uint8)
    mask = np.uint8((1 << header.depth) - 1)
    spread = (rows[:, :, None] >> shifts) & mask
    return np.ascontiguousarray(spread.reshape(header.height, -1)[:, : header.width])
