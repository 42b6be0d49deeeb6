"""The kernel of boundaries of masks: native and reference alike, and equal to a plain erosion."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import boundary_ap as boundary_ap_oracle

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


def random_runs(random: np.random.Generator, height: int, width: int) -> tuple[Array, Array]:
    """A mask of rectangles or noise, and its runs, some of them cut by runs of length 0."""
    mask = np.zeros((height, width), dtype=bool)
    if random.random() < 0.2:
        mask = random.random((height, width)) < 0.9
    for _ in range(int(random.integers(0, 4))):
        top, left, tall, wide = random.integers(0, (height, width, height, width))
        mask[top : top + tall + 1, left : left + wide + 1] = random.random() < 0.8
    flat = mask.reshape(-1, order="F")
    lengths = np.diff([0, *np.flatnonzero(np.diff(flat, prepend=False)), flat.size]).tolist()
    for _ in range(int(random.integers(0, 3))):
        place = int(random.integers(0, len(lengths) + 1))
        lengths[place:place] = [0, 0]
    return mask, np.array(lengths, dtype=np.uint32)


def drawn(lengths: Array, height: int) -> Array:
    inside = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return np.asarray(inside.reshape(-1, height).T)


@twins
@given(seeds)
def test_boundary_is_what_an_erosion_takes_away(
    twin: ModuleType, random: np.random.Generator
) -> None:
    height, width = (int(side) for side in random.integers(1, 24, 2))
    mask, lengths = random_runs(random, height, width)
    distance = int(random.integers(1, 6))
    ratio = distance / np.sqrt(height**2 + width**2)
    offsets = np.array([0, len(lengths)], dtype=np.int64)
    starts, found = twin.boundary_runs(
        offsets,
        lengths,
        np.array([height], np.int32),
        rows=np.array([0], np.int64),
        widths=np.array([distance], np.int64),
    )
    assert [0, len(found)] == starts.tolist()
    assert np.array_equal(boundary_ap_oracle.boundary(mask, ratio), drawn(found, height))


@needs_native
@given(seeds)
def test_boundaries_are_alike(random: np.random.Generator) -> None:
    heights = random.integers(1, 20, int(random.integers(1, 6))).astype(np.int32)
    runs = [random_runs(random, int(height), int(random.integers(1, 20)))[1] for height in heights]
    offsets = np.cumsum([0, *map(len, runs)], dtype=np.int64)
    rows = random.integers(-1, len(runs), int(random.integers(0, 8)))
    options = {"rows": rows, "widths": random.integers(1, 6, len(rows))}
    columns = offsets, np.concatenate(runs), heights
    for one, other in zip(
        *(twin.boundary_runs(*columns, **options) for twin in (reference, NATIVE)), strict=True
    ):
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()


@twins
def test_bad_input_is_refused(twin: ModuleType) -> None:
    columns = np.array([0, 2], np.int64), np.array([0, 16], np.uint32), np.array([4], np.int32)
    for rows, widths in (([0], [0]), ([1], [1]), ([0], [1, 1])):
        with pytest.raises(ValueError, match=r"width|row"):
            twin.boundary_runs(*columns, rows=np.int64(rows), widths=np.int64(widths))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="whole columns"):
        twin.boundary_runs(
            np.array([0, 2], np.int64),
            np.array([0, 7], np.uint32),
            np.array([4], np.int32),
            rows=np.array([0], np.int64),
            widths=np.array([1], np.int64),
        )
