"""Label maps that NumPy stored: `.npy`, and `.npz` with one array. Pickles are never read.

What a header claims is checked before memory is taken for it. Nothing here knows paths or classes.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from typing import IO

import numpy as np

from bench.images.png import MAX_PIXELS
from bench.images.values import NoLabelsError, whole
from bench.samples import Array

_NPY, _ZIP = b"\x93NUMPY", b"PK\x03\x04"


def is_array(data: bytes) -> bool:
    """Whether a file begins as NumPy's do."""
    return data.startswith((_NPY, _ZIP))


def labels(data: bytes) -> Array:
    """The label map (H, W) of a file of shape (H, W), (1, H, W) or (H, W, 1); uint8 or uint16.

    Raises:
        NoLabelsError: damaged, cut off, several arrays, another shape, or values that are not
            labels.
    """
    return whole(values(data))


def values(data: bytes) -> Array:
    """The array (H, W) of a file, of any numeric type.

    Raises:
        NoLabelsError: as `labels`, but any values are allowed.
    """
    if data.startswith(_NPY):
        return _read(io.BytesIO(data))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) != 1:
                shown = ", ".join(name.removesuffix(".npy") for name in names[:3])
                raise NoLabelsError(
                    f"it holds {len(names)} arrays ({shown}); store one label map in each file"
                )
            with archive.open(names[0]) as member:
                return _read(member)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise NoLabelsError(f"the file of arrays is damaged ({error})") from None


def size(data: bytes) -> tuple[int, int]:
    """Height and width.

    Raises:
        NoLabelsError: as `labels`, but any values are allowed.
    """
    array = values(data)
    return array.shape[0], array.shape[1]


def _read(file: IO[bytes]) -> Array:
    shape, fortran, dtype = _header(file)
    height, width = _plane(shape, dtype)
    expected = height * width * dtype.itemsize
    data = file.read(expected)
    if len(data) < expected:
        raise NoLabelsError(
            f"the array is cut off: it holds {len(data)} bytes of values instead of {expected}"
        )
    flat = np.frombuffer(data, dtype)
    return flat.reshape((width, height)).T if fortran else flat.reshape((height, width))


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(file)
    except (ValueError, OSError, EOFError, TypeError) as error:
        raise NoLabelsError(f"this is not a readable NumPy array ({error})") from None
    return shape, fortran, dtype


def _plane(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> tuple[int, int]:
    """Height and width; a first or last axis of length 1 is dropped."""
    if dtype.hasobject:
        raise NoLabelsError(
            "the array holds Python objects (a pickle), which are not read; save whole numbers"
        )
    if dtype.kind not in "biuf":
        raise NoLabelsError(f"the array holds {dtype}; a label map holds whole numbers")
    plane = shape
    if len(plane) == 3 and 1 in (plane[0], plane[-1]):
        plane = plane[1:] if plane[0] == 1 else plane[:-1]
    if len(plane) == 3:
        raise NoLabelsError(
            f"the array has the shape {shape}; a label map is (H, W): if these are scores of "
            "classes, take the argmax over the classes first"
        )
    if len(plane) != 2:
        raise NoLabelsError(f"the array has the shape {shape}; a label map is (H, W)")
    if not 0 < math.prod(plane) <= MAX_PIXELS:
        raise NoLabelsError(
            f"the array claims {plane[1]} x {plane[0]} pixels; at least 1 and at most "
            f"{MAX_PIXELS} are read"
        )
    return plane[0], plane[1]
