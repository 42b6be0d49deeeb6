"""The kernel over contours: the reference against plain loops, and the native twin against the
reference.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import boundary as boundary_oracle
from oracles import regions as regions_oracle

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
RADII = st.lists(st.integers(0, 6), max_size=3).map(sorted)


@st.composite
def pairs(draw: st.DrawFn, side: int = 7) -> tuple[Array, Array]:
    """Two label maps of one shape: the second is the first, moved and spotted."""
    dtype = draw(st.sampled_from([np.uint8, np.uint16]))
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=side))
    labels = st.sampled_from([0, 1, 2, 5])
    truth = draw(hnp.arrays(dtype, shape, elements=labels, fill=st.just(1)))
    spots = draw(hnp.arrays(dtype, shape, elements=labels, fill=st.just(5)))
    moved = np.roll(truth, draw(st.sampled_from([(0, 0), (0, 1), (1, 2)])), axis=(0, 1))
    return truth, np.where(spots == 5, moved, spots)


def plain(
    oracle: ModuleType, truth: Array, prediction: Array, radii: list[int]
) -> list[list[list[int]]]:
    counts = []
    for number in range(3):
        both = [oracle.contour((labels == number).tolist()) for labels in (truth, prediction)]
        counts.append(
            [
                [sum(map(sum, own)), *(oracle.matched(own, other, radius) for radius in radii)]
                for own, other in (both, both[::-1])
            ]
        )
    return counts


@twins
@settings(max_examples=50)
@given(pair=pairs(), radii=RADII)
def test_matches_equal_the_plain_loops(
    twin: ModuleType, pair: tuple[Array, Array], radii: list[int]
) -> None:
    expected = plain(boundary_oracle, *pair, radii)
    assert expected == twin.contour_matches(*pair, 3, radii).tolist()
    changed = pair[0].copy()
    changed[: (changed.shape[0] + 1) // 2] = 6
    if plain(boundary_oracle, changed, pair[1], radii) != expected:
        assert expected != twin.contour_matches(changed, pair[1], 3, radii).tolist()


@twins
@given(pair=pairs(side=9), width=st.integers(0, 12))
def test_near_other_labels_equals_the_plain_loops(
    twin: ModuleType, pair: tuple[Array, Array], width: int
) -> None:
    expected = regions_oracle.near(pair[0].tolist(), 5, width)
    actual = twin.near_other_labels(pair[0], 5, width)
    assert (np.bool_, expected) == (actual.dtype, actual.tolist())


@needs_native
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("width", [0, 1, 2, 11, 46, 300])
def test_native_near_equals_reference_on_larger_maps(dtype: type[np.generic], width: int) -> None:
    generator = np.random.default_rng(3)
    whole = (
        generator.choice([0, 0, 0, 4, 19], (9, 13))
        .repeat(17, axis=0)
        .repeat(19, axis=1)
        .astype(dtype)
    )
    for labels in (whole, np.asfortranarray(whole), whole[::-1, 3:], whole[:0], whole[:, :0]):
        expected = reference.near_other_labels(labels, 19, width)
        assert np.array_equal(expected, NATIVE.near_other_labels(labels, 19, width))


@needs_native
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.9])
def test_native_equals_reference_on_larger_maps(dtype: type[np.generic], noise: float) -> None:
    generator = np.random.default_rng(5)
    truth = generator.integers(0, 9, (9, 13)).repeat(7, axis=0).repeat(11, axis=1).astype(dtype)
    prediction = np.where(
        generator.random(truth.shape) < noise, 3, np.roll(truth, 2, axis=1)
    ).astype(dtype)
    for first, second in ((truth, prediction), (np.asfortranarray(truth), prediction[::-1])):
        expected = reference.contour_matches(first, second, 8, (1, 2, 2, 9))
        actual = NATIVE.contour_matches(first, second, 8, (1, 2, 2, 9))
        assert (expected.dtype, expected.tolist()) == (actual.dtype, actual.tolist())


@twins
def test_what_makes_no_sense_is_refused(twin: ModuleType) -> None:
    labels = np.zeros((2, 3), np.uint8)
    with pytest.raises(
        ValueError, match=r"truth has shape \(2, 3\) and prediction \(3, 2\): both must be one"
    ):
        twin.contour_matches(labels, labels.T, 1, [1])
    with pytest.raises(ValueError, match="label maps are uint8 or uint16, not int64"):
        twin.contour_matches(labels, labels.astype(np.int64), 1, [1])
    with pytest.raises(ValueError, match=r"radii lie in 0 ... 1000 and do not fall: \[2, 1\]"):
        twin.contour_matches(labels, labels, 1, [2, 1])
    with pytest.raises(ValueError, match=r"radii lie in 0 ... 1000 and do not fall: \[-1\]"):
        twin.contour_matches(labels, labels, 1, [-1])
    with pytest.raises(ValueError, match=r"classes lies in 0 ... 65536, not -1"):
        twin.contour_matches(labels, labels, -1, [])
    assert (
        np.zeros((2, 2, 2)).tolist()
        == twin.contour_matches(labels[:0], labels[:0], 2, [1]).tolist()
    )
    with pytest.raises(
        ValueError, match=r"a width in 0 ... 10000 are needed, not shape \(2, 3\) and -1"
    ):
        twin.near_other_labels(labels, 9, -1)
    with pytest.raises(ValueError, match="label maps are uint8 or uint16, not int64"):
        twin.near_other_labels(labels.astype(np.int64), 9, 1)
