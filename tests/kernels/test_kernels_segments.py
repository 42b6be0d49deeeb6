"""The kernels over maps of segment ids: the reference against plain loops, the native twin against
the reference.
"""

from __future__ import annotations

from collections import Counter
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench import kernels
from bench.kernels import reference

Array = np.ndarray[Any, Any]
NATIVE = kernels.native()
IDS = st.sampled_from([0, 1, 2, 9, 2**24 - 1, 2**31 - 1, -3])

needs_native = pytest.mark.skipif(
    NATIVE is None, reason="the native kernels were not built: there was no compiler"
)
twins = pytest.mark.parametrize(
    "twin", [reference, pytest.param(NATIVE, marks=needs_native)], ids=["reference", "native"]
)


@st.composite
def id_maps(draw: st.DrawFn) -> Array:
    """Noise, or a map of a few rectangles; int32; sometimes empty, sometimes in another memory
    layout.
    """
    height, width = draw(st.integers(0, 14)), draw(st.integers(0, 30))
    if draw(st.booleans()):
        ids = draw(arrays.arrays(np.int32, (height, width), elements=IDS))
    else:
        ids = np.full((height, width), draw(IDS), np.int32)
        for _ in range(draw(st.integers(0, 4))):
            top, left = draw(st.integers(0, height)), draw(st.integers(0, width))
            ids[top : top + draw(st.integers(0, 9)), left : left + draw(st.integers(0, 20))] = draw(
                IDS
            )
    return np.asfortranarray(ids) if draw(st.booleans()) else ids


def same_shape(first: Array, second: Array) -> tuple[Array, Array]:
    height, width = (min(pair) for pair in zip(first.shape, second.shape, strict=True))
    return first[:height, :width], second[:height, :width]


def plain_pairs(truth: Array, prediction: Array) -> list[list[int]]:
    pairs = Counter(zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True))
    return [[*pair, pixels] for pair, pixels in sorted(pairs.items())]


def plain_ids(colors: list[list[list[int]]]) -> tuple[list[list[int]], list[list[int]]]:
    ids = [[red + 256 * green + 65536 * blue for red, green, blue in row] for row in colors]
    return ids, [
        list(pair) for pair in sorted(Counter(value for row in ids for value in row).items())
    ]


def colored(ids: Array) -> Array:
    """The colours (H, W, 3) whose bytes are the lower three of each id, in the memory layout of the
    ids.
    """
    return np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(
        np.uint8, order="K"
    )


def plain_edges(ids: list[list[int]], distance: int) -> list[list[int]]:
    """Look at the whole square around every pixel."""
    steps = range(-distance, distance + 1)
    edges = [list(row) for row in ids]
    for y, row in enumerate(ids):
        for x, value in enumerate(row):
            square = [(y + down, x + right) for down in steps for right in steps]
            inside = all(
                0 <= i < len(ids) and 0 <= j < len(row) and ids[i][j] == value for i, j in square
            )
            edges[y][x] = -1 if inside and value != 0 else value
    return edges


def require_same(expected: Array, actual: Array) -> None:
    assert (expected.dtype, expected.shape, expected.tolist()) == (
        actual.dtype,
        actual.shape,
        actual.tolist(),
    )


def outcome(call: Any, *arguments: Any) -> Any:
    """What a kernel returns, as plain lists, or the words with which it refuses."""
    try:
        return tuple(each.tolist() for each in call(*arguments))
    except ValueError as error:
        return str(error)


@given(id_maps())
def test_reference_ids_equal_plain_loops(ids: Array) -> None:
    expected = plain_ids(colored(ids).tolist())
    assert expected == tuple(each.tolist() for each in reference.color_ids(colored(ids)))
    if ids.size:
        assert expected != tuple(each.tolist() for each in reference.color_ids(colored(ids ^ 1)))


@needs_native
@given(id_maps())
def test_native_ids_equal_reference(ids: Array) -> None:
    pairs = zip(reference.color_ids(colored(ids)), NATIVE.color_ids(colored(ids)), strict=True)
    for pair in pairs:
        require_same(*pair)  # type: ignore[arg-type]


@needs_native
@given(id_maps(), st.integers(0, 255), st.randoms(use_true_random=False))
def test_native_ids_of_filtered_rows_equal_reference(ids: Array, kinds: int, noise: Any) -> None:
    """Whatever the bytes are, both join what the filters make of them; filter types come from the
    example.
    """
    height, width = ids.shape
    rows = np.ascontiguousarray(colored(ids)).reshape(height, 3 * width)
    data = b"".join(bytes([(kinds + y) % 5]) + row.tobytes() for y, row in enumerate(rows))
    flat = b"".join(bytes([(kinds + y) % 5]) + bytes(3 * width) for y in range(height))
    for filtered in (data, flat, bytes(noise.choice(data) for _ in data) if data else data):
        arguments = filtered, height, width
        expected = outcome(reference.filtered_ids, *arguments)
        assert expected == outcome(NATIVE.filtered_ids, *arguments)


@needs_native
@given(id_maps(), st.integers(0, 255), st.randoms(use_true_random=False))
def test_native_pairs_of_filtered_rows_equal_reference(ids: Array, kinds: int, noise: Any) -> None:
    """Of rows that are mostly zero, as in label maps: what a zero stands for depends on the pixels
    around it.
    """
    size = kinds % 2 * 2 + 1  # bytes of a pixel
    height, width = ids.shape
    rows = (np.ascontiguousarray(colored(ids)) if size == 3 else ids.astype(np.uint8)).reshape(
        height, size * width
    )
    sides = []
    for share in (0.1, 0.6):
        kept = [
            row if noise.random() < share else row * (ids[y].repeat(size) % 7 == 0)
            for y, row in enumerate(rows)
        ]
        sides.append(
            b"".join(
                bytes([(kinds + y) % 5]) + row.astype(np.uint8).tobytes()
                for y, row in enumerate(kept)
            )
        )
    expected = outcome(reference.filtered_pair_counts, *sides, height, width, size)
    assert expected == outcome(NATIVE.filtered_pair_counts, *sides, height, width, size)
    if ids.size:
        spoilt = bytes([sides[1][0]]) + bytes([sides[1][1] ^ 1]) + sides[1][2:]
        assert expected != outcome(
            NATIVE.filtered_pair_counts, sides[0], spoilt, height, width, size
        )


@needs_native
@pytest.mark.parametrize("size", [1, 3])
def test_native_pairs_of_noise_below_flat_rows_equal_reference(size: int) -> None:
    """Noise is counted in another way than runs, from the row on where it has become too much."""
    generator = np.random.default_rng(size)
    height, width = 130, 97
    sides = []
    for _ in range(2):
        rows = generator.integers(0, 3, (height, size * width + 1)).astype(np.uint8)
        rows[:30, 1:] = 0
        rows[:30, 7] = 5
        rows[:, 0] = np.arange(height) % 5
        sides.append(rows.tobytes())
    expected = outcome(reference.filtered_pair_counts, *sides, height, width, size)
    assert expected == outcome(NATIVE.filtered_pair_counts, *sides, height, width, size)


@twins
def test_filtered_rows_that_are_none_are_refused(twin: ModuleType) -> None:
    assert "row 1 has filter type 9" in outcome(
        twin.filtered_pair_counts, bytes(14), bytes(7) + bytes([9]) + bytes(6), 2, 2, 3
    )
    assert "not 2" in outcome(twin.filtered_pair_counts, bytes(10), bytes(10), 2, 2, 2)
    assert "14 bytes, not 13" in outcome(twin.filtered_pair_counts, bytes(13), bytes(14), 2, 2, 3)
    assert outcome(twin.filtered_ids, bytes(14), 2, 2) == ([[0, 0], [0, 0]], [[0, 4]])
    assert "14 bytes, not 13" in outcome(twin.filtered_ids, bytes(13), 2, 2)
    assert "row 1 has filter type 9" in outcome(
        twin.filtered_ids, bytes(7) + bytes([9]) + bytes(6), 2, 2
    )
    assert "must not be negative" in outcome(twin.filtered_ids, b"", -1, 2)


@given(id_maps(), id_maps())
def test_reference_pairs_equal_plain_loops(first: Array, second: Array) -> None:
    truth, prediction = same_shape(first, second)
    assert plain_pairs(truth, prediction) == reference.pair_counts(truth, prediction).tolist()
    if truth.size:
        changed = truth.copy()
        changed[0, 0] ^= 1
        assert plain_pairs(changed, prediction) != reference.pair_counts(truth, prediction).tolist()


@given(id_maps(), st.integers(1, 4))
def test_reference_edges_equal_plain_loops(ids: Array, distance: int) -> None:
    assert plain_edges(ids.tolist(), distance) == reference.edge_map(ids, distance).tolist()


def test_comparison_of_edges_fails_for_another_distance() -> None:
    ids = np.ones((7, 7), np.int32)
    assert plain_edges(ids.tolist(), 2) != reference.edge_map(ids, 3).tolist()


@needs_native
@given(id_maps(), id_maps())
def test_native_pairs_equal_reference(first: Array, second: Array) -> None:
    pair = same_shape(first, second)
    require_same(reference.pair_counts(*pair), NATIVE.pair_counts(*pair))


@needs_native
@given(id_maps(), st.integers(1, 6) | st.just(10**12))
def test_native_edges_equal_reference(ids: Array, distance: int) -> None:
    require_same(reference.edge_map(ids, distance), NATIVE.edge_map(ids, distance))


@twins
def test_thousands_of_pairs_are_counted(twin: ModuleType) -> None:
    generator = np.random.default_rng(3)
    truth, prediction = generator.integers(0, 1 << 24, (2, 60, 80)).astype(np.int32)
    truth[10:30], prediction[20:40] = 77, 2**31 - 1
    assert plain_pairs(truth, prediction) == twin.pair_counts(truth, prediction).tolist()
    assert plain_ids(colored(truth).tolist()) == tuple(
        each.tolist() for each in twin.color_ids(colored(truth))
    )


@twins
def test_maps_that_are_none_are_refused(twin: ModuleType) -> None:
    ids = np.zeros((2, 3), np.int32)
    with pytest.raises(
        ValueError, match=r"truth has shape \(2, 3\) and prediction \(3, 2\): they must be equal"
    ):
        twin.pair_counts(ids, ids.T)
    for call in (
        lambda: twin.pair_counts(ids, ids.astype(np.uint8)),
        lambda: twin.edge_map(ids.astype(np.uint8), 1),
    ):
        with pytest.raises(ValueError, match="segment ids are int32, not uint8"):
            call()
    for colors in (
        np.zeros((2, 3, 4), np.uint8),
        np.zeros((2, 3), np.uint8),
        np.zeros((2, 3, 3), np.int32),
    ):
        with pytest.raises(
            ValueError,
            match=r"colours are uint8 of shape \(H, W, 3\), not u?int\d+ of shape \(2, 3",
        ):
            twin.color_ids(colors)
    with pytest.raises(ValueError, match=r"of 1 or more, not in shape \(2, 3\) up to 0"):
        twin.edge_map(ids, 0)


@twins
@given(
    id_maps(),
    id_maps(),
    st.sampled_from([np.uint8, np.uint16]),
    st.sampled_from([np.uint8, np.uint16]),
)
def test_pairs_of_values_are_counted_as_in_plain_loops(
    twin: ModuleType, truth: Array, prediction: Array, first: type, second: type
) -> None:
    truth, prediction = same_shape(truth.astype(first), prediction.astype(second))
    found = twin.value_pairs(truth, prediction)
    assert np.int64 == found.dtype
    assert (len(found), 3) == found.shape
    assert plain_pairs(truth, prediction) == found.tolist()
    if truth.size:
        changed = truth.copy(order="K")
        changed[0, 0] ^= 1
        assert plain_pairs(changed, prediction) != found.tolist()


@twins
def test_maps_of_other_kinds_have_no_pairs_of_values(twin: ModuleType) -> None:
    labels = np.zeros((2, 3), np.uint8)
    with pytest.raises(ValueError, match="uint8 or uint16, not int32"):
        twin.value_pairs(labels, labels.astype(np.int32))
    with pytest.raises(ValueError, match="they must be equal"):
        twin.value_pairs(labels, labels.T)
