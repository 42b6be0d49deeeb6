"""The kernels: the reference against plain loops, and the native twin against the reference, on
noise and maps.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from bench import kernels
from bench.errors import UsageError
from bench.kernels import InvalidLabel, reference

Array = np.ndarray[Any, Any]
NATIVE = kernels.native()
BYTES_PER_PIXEL = (1, 2, 3, 4, 6, 8)

needs_native = pytest.mark.skipif(
    NATIVE is None, reason="the native kernels were not built: there was no compiler"
)
twins = pytest.mark.parametrize(
    "twin", [reference, pytest.param(NATIVE, marks=needs_native)], ids=["reference", "native"]
)


@st.composite
def label_maps(draw: st.DrawFn, largest: int = 65535) -> Array:
    """Noise, or a label map of a few rectangles; uint8 or uint16; of any memory layout; sometimes
    empty.
    """
    dtype = draw(st.sampled_from([np.uint8, np.uint16]))
    height, width = draw(st.integers(0, 12)), draw(st.integers(0, 70))
    values = st.integers(0, min(largest, np.iinfo(dtype).max))  # type: ignore[type-var]
    if draw(st.booleans()):
        labels = draw(arrays.arrays(dtype, (height, width), elements=values))
    else:
        labels = np.full((height, width), draw(values), dtype)
        for _ in range(draw(st.integers(0, 4))):
            top, left = draw(st.integers(0, height)), draw(st.integers(0, width))
            labels[top : top + draw(st.integers(0, 9)), left : left + draw(st.integers(0, 40))] = (
                draw(values)
            )
    return _laid_out(labels, draw(st.sampled_from(["rows", "columns", "strided", "reversed"])))


def _laid_out(labels: Array, layout: str) -> Array:
    """Return the same values in another memory layout."""
    if layout == "columns":
        return np.asfortranarray(labels)
    if layout == "strided":
        wide = np.zeros((labels.shape[0], 2 * labels.shape[1]), labels.dtype)
        wide[:, ::2] = labels
        return wide[:, ::2]
    if layout == "reversed":
        return labels[::-1, ::-1].copy()[::-1, ::-1]
    return labels


def outcome(function: Callable[..., Array], *arguments: Any) -> tuple[Any, ...]:
    """Result with its type and shape, or error with its text: what twins must share."""
    try:
        result = function(*arguments)
    except ValueError as error:
        return type(error), str(error), getattr(error, "value", None)
    return result.dtype, result.shape, result.tolist(), result.flags.c_contiguous


# ---- counts of values, joint histogram


@given(label_maps())
def test_values_are_counted_as_in_plain_loops(labels: Array) -> None:
    counted = Counter(labels.ravel().tolist())
    expected = [counted.get(value, 0) for value in range(1 << 8 * labels.dtype.itemsize)]
    for twin in (reference, NATIVE):
        if twin is not None:
            assert expected == twin.value_counts(labels).tolist()
            assert np.int64 == twin.value_counts(labels).dtype


@twins
def test_values_of_other_types_are_not_counted(twin: ModuleType) -> None:
    with pytest.raises(ValueError, match="label maps are uint8 or uint16, not int32"):
        twin.value_counts(np.zeros((2, 2), np.int32))


def plain_histogram(truth: Array, prediction: Array, rows: int, columns: int) -> list[list[int]]:
    counts = [[0] * columns for _ in range(rows)]
    for first, second in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        counts[first][second] += 1
    return counts


@given(label_maps(largest=40), st.data())
def test_reference_histogram_equals_plain_loops(truth: Array, data: st.DataObject) -> None:
    prediction = data.draw(arrays.arrays(np.uint8, truth.shape, elements=st.integers(0, 20)))
    counts = reference.joint_histogram(truth, prediction, 41, 22)
    assert plain_histogram(truth, prediction, 41, 22) == counts.tolist()
    if truth.size:
        prediction.flat[0] ^= 1
        assert plain_histogram(truth, prediction, 41, 22) != counts.tolist()


@needs_native
@given(
    label_maps(largest=300),
    label_maps(largest=300),
    st.sampled_from([0, 1, 19, 256, 301]),
    st.sampled_from([5, 301]),
)
def test_native_histogram_equals_reference(
    truth: Array, prediction: Array, rows: int, columns: int
) -> None:
    height, width = (min(pair) for pair in zip(truth.shape, prediction.shape, strict=True))
    truth, prediction = truth[:height, :width], prediction[:height, :width]
    arguments = (truth, prediction, rows, columns)
    assert outcome(reference.joint_histogram, *arguments) == outcome(
        NATIVE.joint_histogram, *arguments
    )


def maps_of_many_blocks(dtype: type[np.generic], noise: float) -> tuple[Array, Array]:
    """A pair of maps larger than the native block, whose kinds of content alternate."""
    generator = np.random.default_rng(7)
    truth = np.repeat(generator.integers(0, 19, 3001), 41).astype(dtype)
    prediction = np.where(
        generator.random(truth.size) < noise, generator.integers(0, 19, truth.size), truth
    ).astype(dtype)
    prediction[50_000:90_000] = 3
    return truth, prediction


@twins
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.9])
def test_histogram_over_many_blocks(
    twin: ModuleType, dtype: type[np.generic], noise: float
) -> None:
    truth, prediction = maps_of_many_blocks(dtype, noise)
    expected = plain_histogram(truth, prediction, 19, 19)
    assert expected == twin.joint_histogram(truth, prediction, 19, 19).tolist()
    truth[100_000] = 77
    with pytest.raises(ValueError, match="truth holds the value 77, which is not below 19"):
        twin.joint_histogram(truth, prediction, 19, 19)


@twins
def test_histogram_refuses_what_it_cannot_count(twin: ModuleType) -> None:
    labels = np.zeros((2, 3), np.uint8)
    with pytest.raises(
        ValueError, match=r"truth has shape \(2, 3\) and prediction \(3, 2\): they must be equal"
    ):
        twin.joint_histogram(labels, labels.T, 1, 1)
    with pytest.raises(ValueError, match="label maps are uint8 or uint16, not int64"):
        twin.joint_histogram(labels, labels.astype(np.int64), 1, 1)
    with pytest.raises(ValueError, match=r"rows and columns lie in 0 ... 65536, not 70000 and -1"):
        twin.joint_histogram(labels, labels, 70000, -1)
    with pytest.raises(ValueError, match="prediction holds the value 9, which is not below 9"):
        twin.joint_histogram(labels, labels + np.uint8(9), 1, 9)


# ---- label tables


TABLES = arrays.arrays(
    np.int32, st.integers(0, 300), elements=st.sampled_from([0, 7, 255, -1, 256]), fill=st.just(7)
)


@needs_native
@given(label_maps(largest=310), TABLES, st.sampled_from([np.uint8, np.uint16]))
def test_native_map_equals_reference(labels: Array, table: Array, dtype: type[np.generic]) -> None:
    assert outcome(reference.map_labels, labels, table, dtype) == outcome(
        NATIVE.map_labels, labels, table, dtype
    )


@twins
@pytest.mark.parametrize("size", [300, 65536])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_map_takes_tables_of_any_length_and_names_the_first_invalid_value(
    twin: ModuleType, size: int, dtype: type[np.generic]
) -> None:
    table = np.arange(size, dtype=np.int32) % 50
    table[[20, 21]] = -1
    labels = np.tile(np.arange(20, dtype=dtype), 3000).reshape(50, -1)
    assert labels.tolist() == twin.map_labels(labels, table, np.uint8).tolist()
    labels[40, 3], labels[40, 4] = 21, 20
    with pytest.raises(InvalidLabel, match="value 21 is not in the table") as caught:
        twin.map_labels(labels, table, np.uint8)
    assert caught.value.value == 21


@twins
def test_map_refuses_tables_and_types_that_do_not_fit(twin: ModuleType) -> None:
    labels = np.zeros((1, 1), np.uint8)
    with pytest.raises(ValueError, match="the table holds 256, which uint8 does not"):
        twin.map_labels(labels, np.array([256], np.int32), np.uint8)
    with pytest.raises(ValueError, match=r"the table is a row of int32, not int64 of shape \(1,\)"):
        twin.map_labels(labels, np.array([1]), np.uint8)
    with pytest.raises(ValueError, match="labels are mapped to uint8 or uint16, not int32"):
        twin.map_labels(labels, np.array([1], np.int32), np.int32)


# ---- PNG row filters


def filtered(pixels: Array, kinds: list[int], bytes_per_pixel: int) -> bytes:
    """Apply PNG row filters to bytes of shape (H, stride), by plain loops from the
    specification.
    """
    rows = bytearray()
    above = [0] * pixels.shape[1]
    for row, kind in zip(pixels.tolist(), kinds, strict=True):
        rows.append(kind)
        for i, value in enumerate(row):
            left, corner = (
                (row[i - bytes_per_pixel], above[i - bytes_per_pixel])
                if i >= bytes_per_pixel
                else (0, 0)
            )
            nearest = min((left, above[i], corner), key=lambda p: abs(left + above[i] - corner - p))
            rows.append((value - (0, left, above[i], (left + above[i]) // 2, nearest)[kind]) % 256)
        above = row
    return bytes(rows)


@st.composite
def filtered_images(draw: st.DrawFn) -> tuple[Array, int, list[int]]:
    """Bytes of shape (H, stride), bytes per pixel, and a filter for each row."""
    bytes_per_pixel = draw(st.sampled_from(BYTES_PER_PIXEL))
    labels = draw(label_maps(largest=255)).astype(np.uint8)
    pixels = (
        np.repeat(labels, bytes_per_pixel, axis=1)
        if draw(st.booleans())
        else np.ascontiguousarray(labels)
    )
    kinds = draw(st.lists(st.integers(0, 4), min_size=len(pixels), max_size=len(pixels)))
    return pixels, bytes_per_pixel, kinds


@twins
@given(image=filtered_images())
def test_unfilter_undoes_filtering(twin: ModuleType, image: tuple[Array, int, list[int]]) -> None:
    pixels, bytes_per_pixel, kinds = image
    result = twin.unfilter(filtered(pixels, kinds, bytes_per_pixel), *pixels.shape, bytes_per_pixel)
    assert (pixels.dtype, pixels.shape, pixels.tolist()) == (
        result.dtype,
        result.shape,
        result.tolist(),
    )


@needs_native
@given(st.binary(max_size=400), st.integers(1, 8), st.sampled_from(BYTES_PER_PIXEL), st.booleans())
def test_native_unfilter_equals_reference_on_any_bytes(
    data: bytes, height: int, bytes_per_pixel: int, valid: bool
) -> None:
    stride = max(len(data) // height - 1, 0)
    rows = bytearray(data[: height * (stride + 1)].ljust(height * (stride + 1), b"\0"))
    if valid:
        rows[:: stride + 1] = bytes(kind % 5 for kind in rows[:: stride + 1])
    arguments = (bytes(rows), height, stride, bytes_per_pixel)
    assert outcome(reference.unfilter, *arguments) == outcome(NATIVE.unfilter, *arguments)


@needs_native
@pytest.mark.parametrize("bytes_per_pixel", BYTES_PER_PIXEL)
@pytest.mark.parametrize("kind", range(5))
def test_native_unfilter_skips_flat_runs_rightly(kind: int, bytes_per_pixel: int) -> None:
    """Rows wide enough for every path of the skip, under each filter, with runs that start and end
    anywhere.
    """
    generator = np.random.default_rng([kind, bytes_per_pixel])
    labels = np.repeat(generator.integers(0, 3, 900), generator.integers(1, 60, 900))[
        : 40 * 331
    ].reshape(40, 331)
    labels[generator.random(40) < 0.5] = labels[7]
    labels = np.maximum.accumulate(np.where(generator.random((40, 1)) < 0.7, labels, 0), axis=0)
    pixels = np.repeat(labels, bytes_per_pixel, axis=1).astype(np.uint8)
    data = filtered(pixels, [kind] * 40, bytes_per_pixel)
    assert np.array_equal(pixels, NATIVE.unfilter(data, *pixels.shape, bytes_per_pixel))


@twins
def test_unfilter_reads_what_pillow_wrote(twin: ModuleType) -> None:
    labels = maps_of_many_blocks(np.uint8, 0.02)[1][: 60 * 100].reshape(60, 100)
    file = io.BytesIO()
    Image.fromarray(np.dstack([labels, labels, labels + 1])).save(file, "PNG")
    data, at = file.getvalue(), 8
    compressed = b""
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        compressed += data[at + 8 : at + 8 + length] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    rows = twin.unfilter(zlib.decompress(compressed), 60, 300, 3)
    assert np.dstack([labels, labels, labels + 1]).reshape(60, 300).tolist() == rows.tolist()


@twins
def test_unfilter_refuses_what_is_no_png(twin: ModuleType) -> None:
    with pytest.raises(ValueError, match="row 1 has filter type 5, which PNG does not know"):
        twin.unfilter(bytes([0, 1, 5, 1]), 2, 1, 1)
    with pytest.raises(ValueError, match=r"2 rows of 1 \+ 3 bytes are 8 bytes, not 7"):
        twin.unfilter(bytes(7), 2, 3, 1)
    with pytest.raises(ValueError, match="a pixel of a PNG has 1, 2, 3, 4, 6 or 8 bytes, not 5"):
        twin.unfilter(bytes(8), 2, 3, 5)
    with pytest.raises(ValueError, match="height and stride must not be negative: -1 and -1"):
        twin.unfilter(b"", -1, -1, 1)


# ---- which form is in use


@pytest.mark.parametrize("wanted", ["reference", pytest.param("native", marks=needs_native)])
def test_environment_chooses_the_form(wanted: str) -> None:
    program = (
        "from bench import kernels; print(kernels.which(), kernels.joint_histogram.__module__)"
    )
    environment = {**os.environ, "BENCH_KERNELS": wanted}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    module = {"reference": "bench.kernels.reference", "native": "bench.kernels._native"}[wanted]
    assert [wanted, module] == done.stdout.split()


@needs_native
def test_a_build_of_another_form_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NATIVE, "FORM", kernels.FORM - 1)
    assert kernels.native() is None
    assert reference is kernels.choose("")


def test_choose_explains_what_it_cannot_give(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        UsageError, match="BENCH_KERNELS is 'fast': it is native, reference, or not set"
    ):
        kernels.choose("fast")
    monkeypatch.setattr(kernels, "native", lambda: None)
    assert reference is kernels.choose("")
    with pytest.raises(UsageError, match="were not built: install with a C"):
        kernels.choose("native")


@needs_native
def test_extension_is_built_from_every_source(repository: Path) -> None:
    """A kernel added to the reference is added to the native module and to the door."""
    public = {
        name
        for name, value in vars(reference).items()
        if callable(value) and getattr(value, "__module__", "").startswith(reference.__name__)
    }
    loops = {name for name in public if name[0].islower() and not name.startswith("_")}
    readers = {
        "polygon_runs",
        "read_coco_results",
        "read_coco_truth",
    }  # their twin is bench/formats/coco/unusual.py
    assert {*loops, *readers, "FORM"} == {name for name in vars(NATIVE) if not name.startswith("_")}
    assert loops <= set(kernels.__all__)


@needs_native
def test_native_kernels_release_the_interpreter() -> None:
    """While one thread counts a large map, another one is never held up for as long as that
    takes.
    """
    labels = np.random.default_rng(0).integers(0, 19, 1 << 25, dtype=np.uint8)
    assert any(_longest_wait(labels) < 0.5 for _ in range(20))


def _longest_wait(labels: Array) -> float:
    """Count in a second thread; return the first one's longest standstill as a fraction of the
    counting time.
    """
    spent: list[float] = []

    def count() -> None:
        start = time.perf_counter()
        NATIVE.joint_histogram(labels, labels, 19, 19)
        spent.append(time.perf_counter() - start)

    worker = threading.Thread(target=count)
    times = [time.perf_counter()]
    worker.start()
    while not spent:
        times.append(time.perf_counter())
    worker.join()
    return float(np.diff(times).max()) / spent[0]
