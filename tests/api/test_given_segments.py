"""Maps of segments that loops have at hand, in the forms of COCO and transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.classes import Class, Classes
from bench.errors import PredictionError
from bench.evaluation.evaluator import Evaluator

SEGMENTED = Classes((Class(4, "sky", 0), Class(7, "car", 1, thing=True), Class(9, "void label")))
IDS = np.ones((10, 12), int)
IDS[:, 6:], IDS[:2] = 2, 0
MOVED = np.where(IDS == 0, 1, np.roll(IDS, 1, axis=1))


def panoptic(truth: Any, prediction: Any, **options: Any) -> dict[str, float]:
    evaluator = Evaluator(SEGMENTED, task="panoptic", **options)
    evaluator.update(truth=truth, prediction=prediction)
    return evaluator.scores()


def test_panoptic_maps_come_in_many_forms() -> None:
    plain = panoptic(
        {"ids": IDS, "segments": {1: 0, 2: 1}}, {"ids": MOVED, "segments": {1: 0, 2: 1}}
    )
    assert 0.5 < plain["PQ"] < 1
    truth = {
        "ids": IDS,
        "segments_info": [{"id": 1, "category_id": 4}, {"id": 2, "category_id": 7, "iscrowd": 0}],
    }
    rgb = np.zeros((*IDS.shape, 3), np.uint8)
    rgb[..., 0] = MOVED
    coco = {
        "segmentation": rgb,
        "segments_info": [{"id": 1, "category_id": 4, "area": 3}, {"id": 2, "category_id": 7}],
    }
    info = [
        {"id": 1, "label_id": 0, "was_fused": False, "score": 0.9},
        {"id": 2, "label_id": 1, "score": 0.9},
    ]
    transformers = {"segmentation": MOVED.astype(np.int32), "segments_info": info}
    from_zero = [{**entry, "id": entry["id"] - 1} for entry in info]
    for found in (coco, transformers, {"segmentation": MOVED - 1, "segments_info": from_zero}):
        assert (
            plain
            == panoptic(truth, found)
            == panoptic({"ids": IDS, "segments": {1: 0, 2: 1}}, found)
        )
    ids = [{**entry, "label_id": 4 if entry["id"] == 1 else 7} for entry in info]
    assert plain == panoptic(truth, {**transformers, "segments_info": ids}, label_space="ids")
    unscored = {
        "ids": IDS,
        "segments_info": [{"id": 1, "category_id": 9}, {"id": 2, "category_id": 7}],
    }
    void = {"ids": np.where(IDS == 1, 0, IDS), "segments": {2: 1}}
    np.testing.assert_equal(panoptic(void, transformers), panoptic(unscored, transformers))
    nothing = {"segmentation": np.full(IDS.shape, -1.0), "segments_info": []}
    assert 0 == panoptic(truth, nothing)["PQ"]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"ids": MOVED}, r"a dict with ids, \(H, W\), and segments"),
        (
            {"ids": MOVED, "segments": {1: 0}},
            "the id 2 is in the map but not in its list of segments",
        ),
        ({"ids": MOVED, "segments": {1: 0, 2: 5}}, "the class 5 is not a train id from 0 to 1"),
        (
            {
                "ids": MOVED,
                "segments_info": [{"id": 1, "category_id": 9}, {"id": 2, "category_id": 7}],
            },
            "void label, which",
        ),
        ({"ids": MOVED[:4], "segments": {1: 0, 2: 1}}, "it has 4 x 12 pixels, the truth 10 x 12"),
        ({"ids": MOVED / 2, "segments": {}}, "ids must be whole numbers"),
        ({"ids": MOVED, "segments": [5]}, "every segment must be a dict"),
        ({"ids": MOVED, "segments": [{"id": 1, "label": 0}]}, "unknown key 'label'"),
        (
            {"ids": MOVED, "segments": None},
            "segments must be a list of dicts, .* got NoneType",
        ),
        (
            {"ids": MOVED, "segments": [{"id": "x", "class": 0}]},
            "ids of segments must be whole numbers",
        ),
        (
            {"segmentation": MOVED - 1, "segments_info": [{"id": 0, "label_id": 0}]},
            "the id 1 is in the map but not",
        ),
        (MOVED, "a panoptic map must be a dict"),
    ],
)
def test_segments_that_are_none_are_refused(found: Any, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        panoptic({"ids": IDS, "segments": {1: 0, 2: 1}}, found)


def test_objects_of_a_map_of_ids_are_taken() -> None:
    """As post_process_instance_segmentation of transformers gives them: -1 is nothing, ids may
    begin at 0.
    """
    truth = np.stack([IDS == 1, IDS == 2])
    real = {"masks": truth, "labels": [0, 1]}
    info = [{"id": 0, "label_id": 0, "score": 0.9}, {"id": 1, "label_id": 1, "score": 0.8}]
    expected = {"masks": np.stack([MOVED == 1, MOVED == 2]), "labels": [0, 1], "scores": [0.9, 0.8]}
    evaluator, other = (Evaluator(["a", "b"], task="instance") for _ in range(2))
    evaluator.update(
        truth=real, prediction={"segmentation": (MOVED - 1).astype(float), "segments_info": info}
    )
    other.update(truth=real, prediction=expected)
    np.testing.assert_equal(other.scores(), evaluator.scores())
    evaluator.update(truth=real, prediction={"segmentation": MOVED * 0 - 1, "segments_info": []})
    assert evaluator.scores()["AP"] < other.scores()["AP"]
    with pytest.raises(PredictionError, match="segments_info needs the key segmentation too"):
        evaluator.update(truth=real, prediction={"segments_info": info})
