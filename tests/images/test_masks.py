"""Masks: against pycocotools and plain NumPy, and damaged codes, which pycocotools reads without a
word.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from bench import masks
from bench.errors import InputError

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)


def plain(rle: Any) -> Any:
    return {"size": list(rle["size"]), "counts": rle["counts"]}


@given(hnp.arrays(bool, SHAPES))
def test_a_mask_survives_its_code(mask: Any) -> None:
    rle = masks.encode(mask)
    masks.check([rle], mask.shape)
    np.testing.assert_array_equal(mask, masks.decode(rle))
    assert mask.sum() == masks.areas([rle])[0]
    lengths = masks.runs(rle)
    assert mask.size == lengths.sum()
    assert rle == masks.from_uncompressed(lengths, mask.shape)


@given(hnp.arrays(np.uint8, SHAPES, elements=st.sampled_from([0, 0, 3])), st.booleans())
def test_a_code_is_the_one_of_pycocotools(mask: Any, turned: Any) -> None:
    mask = mask.T if turned else mask
    rle = plain(coco.encode(np.asfortranarray(mask != 0, dtype=np.uint8)))
    assert rle == masks.encode(mask)
    assert rle == masks.encode(mask != 0)
    assert rle != masks.encode(mask == 0)


@given(hnp.arrays(np.int32, SHAPES, elements=st.sampled_from([0, 1, 7, 300_000])))
def test_an_id_map_gives_the_code_of_each_id(ids: Any) -> None:
    wanted = [7, 0, 5, 300_000]
    assert [masks.encode(ids == value) for value in wanted] == masks.encode_ids(ids, wanted)


def test_long_runs_match_pycocotools() -> None:
    mask = np.zeros((1000, 2000), dtype=bool)
    mask[3:, 500:] = True
    rle = masks.encode(mask)
    assert plain(coco.encode(np.asfortranarray(mask, dtype=np.uint8))) == rle
    assert rle == masks.encode_ids(mask.astype(np.uint8), [1])[0]
    assert mask.sum() == masks.runs(rle)[1::2].sum()


@pytest.mark.parametrize("count", [0, 1, 255, 256, 300])
def test_areas_and_boxes_of_long_lists(count: Any) -> None:
    """pycocotools' own `area` fails on more than 255 masks."""
    several = np.zeros((count, 9, 11), dtype=bool)
    for place in range(count):
        several[place, place % 9 :, place % 11] = True
    rles = masks.encode_many(several)
    assert [9 - place % 9 for place in range(count)] == masks.areas(rles).tolist()
    assert [[place % 11, place % 9, 1, 9 - place % 9] for place in range(count)] == masks.boxes(
        rles
    ).tolist()


def test_real_polygons_are_drawn_as_pycocotools_draws_them(
    shared_data: Callable[[str], Path],
) -> None:
    file = json.loads(
        (shared_data("tiny_coco") / "annotations" / "instances_val2017.json").read_text()
    )
    sizes = {image["id"]: (image["height"], image["width"]) for image in file["images"]}
    seen = {list: 0, dict: 0}
    for annotation in file["annotations"]:
        size, shape = sizes[annotation["image_id"]], annotation["segmentation"]
        seen[type(shape)] += 1  # type: ignore[index]
        parts = coco.frPyObjects(shape, *size)
        expected = coco.merge(parts) if isinstance(parts, list) else parts
        given = (
            masks.from_polygons(shape, size)
            if isinstance(shape, list)
            else masks.from_uncompressed(shape["counts"], size)
        )
        assert plain(expected) == given
        masks.check([given], size)
    assert seen[list] > 300
    assert seen[dict] == 5


@pytest.mark.parametrize(
    ("polygons", "words"),
    [([], "at least one"), ([[1, 2, 3, 4]], "three points"), ([[0, 0, 1, 1, 2]], "three points"),
     ([[0, 0, 1, 1, 2, float("nan")]], "NaN")],
)  # fmt: skip
def test_polygons_that_are_none(polygons: Any, words: Any) -> None:
    with pytest.raises(InputError, match=words):
        masks.from_polygons(polygons, (5, 5))


@pytest.mark.parametrize(
    ("polygon", "size", "words"),
    [
        ([0, 0, 501, 0, 3, 3], (5, 4), "a polygon reaches 501, far outside the image of 5 x 4"),
        ([0, 0, 4, 0, 3, -1e300], (5, 4), "reaches -1e\\+300"),
        ([0, 0, 2e7, 0, 3, 3], (10**6, 2000), "reaches 20000000"),
        ([0, 0, 9000, 9000] * 2000, (100, 100), "outline is longer than 10000000 pixels"),
        ([0, 0, 4, 0, 4, 4], (10**9, 10**9), "at most 2\\^31"),
        ([0, 0, 4, 0, 4, 4], (0, 4), "an image of 0 x 4 pixels"),
    ],
)
def test_polygons_that_would_take_all_memory(polygon: Any, size: Any, words: Any) -> None:
    with pytest.raises(InputError, match=words):
        masks.from_polygons([polygon], size)


def test_polygons_at_the_bounds_are_drawn_as_pycocotools_draws_them() -> None:
    for polygon in ([0, 0, 500, 0, 3, 500.0], [0, 0, 499, 499] * 900):
        assert plain(coco.frPyObjects([polygon], 5, 4)[0]) == masks.from_polygons([polygon], (5, 4))


@pytest.mark.parametrize(
    "counts", [[2**63, 9], [2**62, 2**62, 2**62, 2**62 + 9], [10**30], [2**32 + 9]]
)
def test_runs_that_overflow_are_refused(counts: Any) -> None:
    with pytest.raises(InputError, match=r"longer than any|runs cover"):
        masks.from_uncompressed(counts, (3, 3))


@pytest.mark.parametrize(
    ("counts", "words"),
    [(b"", ("cover 0 "
           "pixels")), (b"abc", "damaged"), (b"13", ("cover 4 "
                                                           "pixels")), (b"\xff\xff", "damaged"),
     (b"o" * 9 + b"0", ("longer than "
                       "any")), (b"o", ("end is "
                                                  "missing")), (b" 1", "damaged"), (b"N1", "negative")],
)  # fmt: skip
def test_damaged_codes(counts: Any, words: Any) -> None:
    with pytest.raises(InputError, match=words):
        masks.check([{"size": [3, 3], "counts": counts}], (3, 3))


def test_a_code_of_another_size() -> None:
    with pytest.raises(InputError, match=r"size \[3, 3\].*\[3, 4\]"):
        masks.check([masks.encode(np.ones((3, 3)))], (3, 4))


@pytest.mark.parametrize("counts", [[5], [-1, 10], [4, 6], []])
def test_plain_counts_must_fill_the_image(counts: Any) -> None:
    with pytest.raises(InputError, match="pixels"):
        masks.from_uncompressed(counts, (3, 3))


@given(hnp.arrays(bool, (6, 7)), st.data())
def test_any_change_of_a_code_is_noticed_or_another_mask(mask: Any, data: Any) -> None:
    """Cutting a code anywhere leaves one that is refused, never one that pycocotools would read
    past its end.
    """
    counts = masks.encode(mask)["counts"]
    cut = counts[: data.draw(st.integers(0, len(counts) - 1))]
    with pytest.raises(InputError):
        masks.check([{"size": [6, 7], "counts": cut}], (6, 7))
