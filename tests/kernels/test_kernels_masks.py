"""The kernels of masks in COCO's code: native and reference alike, and equal to pycocotools and
plain loops.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from bench import kernels
from bench.kernels import reference

Array = np.ndarray[Any, Any]
NATIVE = kernels.native()
needs_native = pytest.mark.skipif(
    NATIVE is None, reason="the native kernels were not built: there was no compiler"
)
twins = pytest.mark.parametrize(
    "twin", [reference, pytest.param(NATIVE, marks=needs_native)], ids=["reference", "native"]
)
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def filtered_rows(random: np.random.Generator, height: int, stride: int) -> bytes:
    """Rows of any filter whose bytes are mostly 0, as those of masks are; some rows hold
    nothing.
    """
    rows = random.integers(0, 256, (height, stride + 1), dtype=np.uint8)
    rows[random.random(rows.shape) < random.choice([0, 0.5, 0.9, 0.98])] = 0
    rows[random.random(height) < random.choice([0, 0.5]), 1:] = 0
    rows[:, 0] = random.integers(0, 5, height)
    return rows.tobytes()


def pixels_of(filtered: bytes, height: int, width: int, depth: int) -> Array:
    rows = reference.unfilter(filtered, height, width if depth == 8 else (width + 7) // 8, 1)
    return np.asarray(rows != 0 if depth == 8 else np.unpackbits(rows, axis=1)[:, :width] != 0)


@twins
@given(seeds, st.sampled_from([1, 8]))
def test_code_is_that_of_the_pixels(
    twin: ModuleType, random: np.random.Generator, depth: int
) -> None:
    height, width = (int(side) for side in random.integers(1, 90, 2))
    filtered = filtered_rows(random, height, width if depth == 8 else (width + 7) // 8)
    expected = pixels_of(filtered, height, width, depth)
    code, pixels = twin.filtered_mask(filtered, height, width, depth)
    assert coco.encode(np.asfortranarray(expected.astype(np.uint8)))["counts"] == code
    assert int(expected.sum()) == pixels
    expected[0, 0] ^= True
    assert coco.encode(np.asfortranarray(expected.astype(np.uint8)))["counts"] != code


@twins
@pytest.mark.parametrize("depth", [1, 8])
def test_full_and_empty_masks_have_codes(twin: ModuleType, depth: int) -> None:
    stride = 16 if depth == 8 else 2
    full = b"\x00" + b"\xff" * stride + (b"\x02" + b"\x00" * stride) * 99
    for filtered, inside in ((full, 1), (bytes(100 * (stride + 1)), 0)):
        expected = coco.encode(np.full((100, 16), inside, np.uint8, order="F"))["counts"]
        assert (expected, 1600 * inside) == twin.filtered_mask(filtered, 100, 16, depth)


@twins
def test_rows_that_are_no_mask_are_refused(twin: ModuleType) -> None:
    with pytest.raises(ValueError, match="1 or 8 bits a pixel, not 16"):
        twin.filtered_mask(bytes(3), 1, 1, 16)
    with pytest.raises(ValueError, match="row 1 has filter type 5"):
        twin.filtered_mask(bytes([0, 0, 5, 0]), 2, 1, 8)
    with pytest.raises(ValueError, match=r"are 6 bytes, not 5"):
        twin.filtered_mask(bytes(5), 2, 2, 8)


def random_codes(random: np.random.Generator, height: int, width: int) -> tuple[Array, list[bytes]]:
    masks = random.random((int(random.integers(0, 4)), height, width)) < random.choice(
        [0, 0.1, 0.9, 1]
    )
    return masks, [
        coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"] for mask in masks
    ]


@twins
@given(seeds, st.sampled_from([np.uint8, np.uint16]))
def test_pixels_under_masks_are_counted(
    twin: ModuleType, random: np.random.Generator, dtype: type
) -> None:
    height, width = (int(side) for side in random.integers(1, 30, 2))
    labels: Array = random.integers(0, int(random.choice([2, 9, 256])), (height, width)).astype(
        dtype
    )
    count = int(random.integers(0, 5))
    columns = random.integers(-1, count, int(random.choice([0, 3, 9, 256, 65536]))).astype(np.int32)
    masks, codes = random_codes(random, height, width)
    expected = [[0] * count for _ in codes]
    for row, y, x in np.argwhere(masks).tolist():
        label = int(labels[y, x])
        if label < len(columns) and columns[label] >= 0:
            expected[row][columns[label]] += 1
    found = twin.labels_under(labels, codes, columns, count)
    assert np.int64 == found.dtype
    assert (len(codes), count) == found.shape
    assert expected == found.tolist()


@twins
def test_other_maps_codes_and_columns_are_refused(twin: ModuleType) -> None:
    labels, column = np.zeros((2, 2), np.uint8), np.zeros(1, np.int32)
    whole = coco.encode(np.ones((2, 2), np.uint8, order="F"))["counts"]
    assert [[4]] == twin.labels_under(labels, [whole], column, 1).tolist()
    for code in (b"", b"\x00", b"o", b"5", whole + b"1", b"\xff", b"O", b"oooooooo0"):
        with pytest.raises(ValueError, match="a code is damaged"):
            twin.labels_under(labels, [whole, code], column, 1)
    refused: list[tuple[Callable[[], object], str]] = [
        (
            lambda: twin.labels_under(labels.astype(np.int32), [], column, 1),
            "uint8 or uint16, not int32",
        ),
        (lambda: twin.labels_under(labels[0], [], column, 1), "a map"),
        (lambda: twin.labels_under(labels, [], column, 0), "beyond the last one"),
    ]
    for call, words in refused:
        with pytest.raises(ValueError, match=words):
            call()
