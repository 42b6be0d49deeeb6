"""Objects that loops have at hand as COCO lists them: polygons, categories, and what is odd about
them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench import inputs, masks
from bench.classes import Class, Classes
from bench.errors import DataError, PredictionError, UsageError
from bench.evaluation.evaluator import Evaluator
from bench.formats.coco import masks as coco_masks
from bench.samples import Instances

SIZE = (40, 50)
SQUARE = [5.0, 5.0, 25.0, 5.0, 25.0, 25.0, 5.0, 25.0]


def test_polygons_need_a_size_and_lists_of_coco_their_own_categories() -> None:
    classes = Classes(
        (Class(17, "cat", 0, thing=True), Class(18, "dog", 1, thing=True), Class(90, "other"))
    )
    square = [[5, 5, 25, 5, 25, 25, 5, 25]]
    real = [
        {
            "category_id": 18,
            "segmentation": square,
            "bbox": [5, 5, 20, 20],
            "area": 400,
            "iscrowd": 0,
        }
    ]
    made = {"masks": [masks.encode(np.eye(*SIZE))], "labels": [1], "scores": [0.5]}
    evaluator = Evaluator(classes, task="instance")
    evaluator.update(truth=real, prediction=made)
    evaluator.update(truth=real, prediction=[{**real[0], "score": 0.9}], size=SIZE)
    evaluator.update(
        truth=[[{**real[0], "category_id": 90}]],
        prediction=[[{**real[0], "score": 0.9}]],
        size=SIZE,
    )
    assert 3 == len(evaluator)
    with pytest.raises(
        UsageError, match=r"polygons need the size of the image: pass size=\(height, width\)"
    ):
        evaluator.update(truth=real, prediction=[{**real[0], "score": 0.9}])
    with pytest.raises(
        UsageError, match="the category 5 is not the id of a class; the ids are 17, 18, 90"
    ):
        evaluator.update(truth=[{**real[0], "category_id": 5}], prediction=made)
    by_ids = Evaluator(classes, task="instance", label_space="ids")
    by_ids.update(truth=real, prediction={**made, "labels": [18]})
    with pytest.raises(PredictionError, match="the category 1 is not the id of a class"):
        by_ids.update(truth=real, prediction=made)
    with pytest.raises(
        PredictionError,
        match=r'the class 18 is not a train id from 0 to 1; .* pass label_space="ids"',
    ):
        evaluator.update(truth=real, prediction={**made, "labels": [18]})
    with pytest.raises(
        PredictionError, match=r"the class 2 is not a train id .* the background, subtract 1"
    ):
        evaluator.update(truth=real, prediction={**made, "labels": [2]})


@pytest.mark.parametrize(
    ("segmentation", "box"),
    [
        ([SQUARE, [1.0, 1.0, 2.0, 2.0]], None),
        ([[1.0, 1.0, 2.0, 2.0], SQUARE], None),
        ([[*SQUARE, 7.0]], None),
        ([[1.0, 1.0, 2.0, 2.0, 3.0]], [5.0, 5.0, 9.0, 9.0]),
        ([[1.0, 1.0, 2.0, 2.0]], [5.0, 5.0, 9.0, 9.0]),
        ([[]], [5.0, 5.0, 9.0, 9.0]),
        ([], [5.0, 5.0, 9.0, 9.0]),
        (None, [5.0, 5.0, 9.0, 9.0]),
    ],
    ids=str,
)
@pytest.mark.parametrize("scored", [False, True])
def test_odd_masks_of_coco_are_drawn_as_those_of_files(
    segmentation: Any, box: Any, scored: bool
) -> None:
    entries = [
        {"category_id": 0, "segmentation": [SQUARE]},
        {"category_id": 1, "segmentation": segmentation},
    ]
    entries[1] |= {} if box is None else {"bbox": box}
    entries = [entry | ({"score": 0.5} if scored else {}) for entry in entries]
    read = inputs.prediction if scored else inputs.truth
    found = read(
        entries, "instance", Classes((Class(0, "cat", 0), Class(1, "dog", 1))), where="a", size=SIZE
    )
    assert isinstance(found, Instances)
    expected = coco_masks.drawn(
        segmentation, box, SIZE, "a", PredictionError if scored else DataError
    )
    assert (found.rles[1], [0, expected[1]]) == (expected[0], np.asarray(found.marks).tolist())


def test_what_is_odd_about_masks_of_coco_is_a_warning() -> None:
    evaluator = Evaluator(["cat", "dog"], task="instance")
    part = {"category_id": 0, "segmentation": [SQUARE, [1, 1, 2, 2]]}
    boxed = {"category_id": 1, "bbox": [20, 20, 9, 9]}
    evaluator.update(truth=[part, boxed], prediction=[{**part, "score": 0.9}], size=SIZE)
    codes = {notice.code for notice in evaluator.result().scored.warnings}
    assert {"polygon-parts-left-out", "masks-from-boxes"} <= codes


def test_images_without_objects_are_empty_lists() -> None:
    """One image or a batch of one, of truth, of results, or of both; the score is that of images
    with empty masks.
    """
    real = {"category_id": 0, "segmentation": [SQUARE]}
    made = {**real, "score": 0.9}
    none = {"masks": np.zeros((0, *SIZE)), "labels": []}
    lists, dicts = (Evaluator(["cat", "dog"], task="instance", interval="none") for _ in range(2))
    pairs: list[tuple[Any, Any]] = [([real], [made]), ([real], []), ([], [made]), ([], [])]
    for number, (truth, found) in enumerate(pairs):
        lists.update(truth=truth, prediction=found, size=SIZE, id=str(number))
        lists.update(truth=[truth], prediction=[found], size=SIZE, id=str(number))
        other = truth or none, found or {**none, "scores": []}
        dicts.update(truth=other[0], prediction=other[1], size=SIZE, id=str(number))
    assert len(lists) == len(dicts) == 4
    np.testing.assert_equal(lists.scores(), dicts.scores())
    assert 0 < lists.scores()["AP"] < 1


@pytest.mark.parametrize("size", [(40,), "ab", 40, (40.5, 50)])
def test_sizes_that_are_none_are_refused(size: Any) -> None:
    with pytest.raises(UsageError, match=r"size must be \(height, width\), two whole numbers, got"):
        Evaluator(["cat"], task="instance").update(truth=[], prediction=[], size=size)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"segmentation": [[1, 1, 2, 2]]},
            r"a: the truth: object 0 has neither a mask nor a box \(segmentation, bbox\)",
        ),
        ({"segmentation": None}, r"object 0 has neither a mask nor a box"),
        (
            {"segmentation": SQUARE},
            "a segmentation must be a run-length code, or a list of polygons",
        ),
        (
            {"segmentation": [["x"] * 6]},
            "a segmentation must be a run-length code, or a list of polygons",
        ),
        ({"bbox": [1, 2, 3]}, r"a bbox must be x, y, width, height, got \[1, 2, 3\]"),
        ({"bbox": [1, 2, 3, np.nan]}, "a box contains NaN"),
        ({"bbox": "abcd"}, "a bbox must be x, y, width, height, got abcd"),
        ({"area": "x"}, "areas are numbers, one for each object"),
        (
            {"segmentation": {"size": 5, "counts": [1]}},
            "a run-length code must be a dict with size",
        ),
    ],
)
def test_masks_and_boxes_of_coco_that_are_none_are_refused(
    change: dict[str, Any], message: str
) -> None:
    evaluator = Evaluator(["cat", "dog"], task="instance")
    entry = {"category_id": 0, "segmentation": [SQUARE], **change}
    with pytest.raises(UsageError, match=message):
        evaluator.update(truth=[entry], prediction=[{**entry, "score": 0.9}], id="a", size=SIZE)
