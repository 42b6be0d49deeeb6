"""Files that pycocotools scores and people bring: entries that are odd but harmless score here as
they do there.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coco_cases as cases
import numpy as np
import pytest

from bench import opening
from bench.cards import load_card
from bench.errors import DataError, PredictionError
from bench.evaluation import evaluate
from bench.evaluation.boxes_only import boxes_alone
from bench.evaluation.choosing import rules_for
from bench.evaluation.stored import stored_predictions
from bench.metrics import instance
from bench.runs import Run

Entry = dict[str, Any]
H, W = 60, 80
CARD = """name = "mine"
title = "Mine"
layout = "coco"
tasks = ["instance"]
classes_from = "truth"
licence = "own"
cite = "own"
obtain = "own"
[splits.val]
"""


def square(x: float, y: float, w: float, h: float) -> list[list[float]]:
    return [[x, y, x + w, y, x + w, y + h, x, y + h]]


def objects() -> tuple[Entry, list[Entry]]:
    """Three images with five objects of two classes, and detections that are neither perfect nor
    all wrong.
    """
    rows = [
        (1, 1, 5, 5, 20, 20),
        (1, 2, 40, 10, 30, 30),
        (2, 1, 10, 10, 25, 25),
        (2, 2, 45, 30, 20, 20),
    ]
    truth = {
        "images": [
            {"id": i, "file_name": f"img_{i}.jpg", "height": 60, "width": 80} for i in (1, 2, 3)
        ],
        "annotations": [
            {
                "id": n,
                "image_id": i,
                "category_id": c,
                "bbox": [x, y, w, h],
                "area": w * h,
                "iscrowd": 0,
            }
            | {"segmentation": square(x, y, w, h)}
            for n, (i, c, x, y, w, h) in enumerate([*rows, (3, 1, 30, 20, 30, 30)], 1)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    found = [(1, 1, 6, 5, 20, 20, 0.9), (1, 2, 42, 12, 30, 30, 0.8), (2, 1, 10, 11, 25, 25, 0.7)]
    found += [(2, 2, 20, 5, 20, 20, 0.95), (3, 1, 32, 22, 30, 30, 0.6), (3, 1, 2, 2, 10, 10, 0.5)]
    results = [
        {
            "image_id": i,
            "category_id": c,
            "bbox": [x, y, w, h],
            "segmentation": square(x, y, w, h),
            "score": score,
        }
        for i, c, x, y, w, h, score in found
    ]
    return truth, results


def scored(folder: Path, truth: Entry, results: list[Entry], **rules_asked: Any) -> Run:
    """Evaluate the files as `bench eval` does."""
    (folder / "card.toml").write_text(CARD)
    for name, content in (("truth", truth), ("results", results)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    opened = opening.open_data(str(folder / "card.toml"), root=folder / "truth.json")
    path = folder / "results.json"
    masks = not boxes_alone(path)
    asked = {
        "masks": masks,
        "interval": "none",
        **({"area_from": "box"} if masks else {}),
        **rules_asked,
    }
    rules = rules_for(opened.card, "instance", **asked)
    job = stored_predictions(
        opened.card,
        opened.split,
        opened.samples,
        path,
        root=opened.root,
        task="instance",
        rules=rules,
    )
    return evaluate(job, out=folder / "runs")


def agrees(run: Run, truth: Entry, results: list[Entry], kinds: str) -> None:
    """All twelve numbers of each kind are pycocotools', to the bit."""
    for kind, group in (("bbox", "boxes"), ("segm", "instance")):
        if kind not in kinds:
            continue
        evaluation = cases.evaluated(copy.deepcopy(truth), copy.deepcopy(results), kind)
        expected = [None if value == -1 else float(value) for value in evaluation.stats]
        assert expected == [run.record.scores[group][name]["value"] for name in instance.OVERALL]
        assert any(value is not None and 0 < value < 1 for value in expected)


def change(place: int, **values: Any) -> Callable[[list[Entry]], Any]:
    return lambda entries: entries[place].update(values)


def drop(key: str) -> Callable[[list[Entry]], Any]:
    return lambda entries: [entry.pop(key) for entry in entries]


ODD_TRUTH = {
    "a part of two points": change(0, segmentation=[*square(5, 5, 20, 20), [3, 3, 4, 4]]),
    "parts of no, one and two and a half points": change(
        1, segmentation=[*square(40, 10, 30, 30), [], [7, 7], [3, 3, 9, 30, 1]]
    ),
    "a part with a number too many": change(
        0, segmentation=[[5, 5, 25, 5, 25, 25, 5, 25, 40], [50, 40, 60, 50, 70]]
    ),
    "two and a half points alone": change(0, segmentation=[[5, 5, 25, 25, 9]]),
    "three points on a line": change(2, segmentation=[[10, 10, 20, 20, 30, 30]]),
    "outside the image": change(2, segmentation=square(100, 100, 20, 20)),
    "at the bound of what is drawn": change(2, segmentation=[[10, 10, 8000, 10, 10, 8000]]),
    "a box of no width": change(3, bbox=[45, 30, 0, 20]),
    "a box turned inside out": change(3, bbox=[65, 50, -20, -20]),
    "a negative area": change(1, area=-900),
    "an area of 0": change(1, area=0),
    "keys that nobody knows": change(
        1, segmentation_type="polygon", attributes={"occluded": False}, score=0.3
    ),
    "ids as floats": lambda entries: [
        entry.update(image_id=float(entry["image_id"]), category_id=float(entry["category_id"]))
        for entry in entries
    ],
    "a crowd told as a float": change(1, iscrowd=1.0),
}


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("odd", ODD_TRUTH, ids=str)
def test_odd_truth_scores_as_in_pycocotools(tmp_path: Path, odd: str) -> None:
    truth, results = objects()
    ODD_TRUTH[odd](truth["annotations"])
    run = scored(tmp_path, truth, results)
    agrees(run, truth, results, "bbox segm")


ODD_RESULTS = {
    "a box of no width": change(2, bbox=[10, 11, 0, 25]),
    "a box turned inside out": change(2, bbox=[35, 36, -25, -25]),
    "scores that are whole numbers": lambda entries: [
        entry.update(score=n) for n, entry in enumerate(reversed(entries))
    ],
    "a score above one": change(0, score=17.5),
    "a part of two points": change(0, segmentation=[*square(6, 5, 20, 20), [3, 3, 4, 4]]),
    "keys that nobody knows": change(1, id=7, area=3, iscrowd=0, track=None),
    "ids as floats": lambda entries: [
        entry.update(image_id=float(entry["image_id"]), category_id=float(entry["category_id"]))
        for entry in entries
    ],
}


@pytest.mark.parametrize("odd", ODD_RESULTS, ids=str)
def test_odd_results_score_as_in_pycocotools(tmp_path: Path, odd: str) -> None:
    truth, results = objects()
    ODD_RESULTS[odd](results)
    agrees(scored(tmp_path, truth, results), truth, results, "bbox segm")


@pytest.mark.parametrize("odd", ["a box of no width", "a box turned inside out", "ids as floats"])
@pytest.mark.parametrize("masks", ["none", "empty", "null"])
def test_odd_boxes_alone_score_as_in_pycocotools(tmp_path: Path, odd: str, masks: str) -> None:
    truth, results = objects()
    ODD_RESULTS[odd](results)
    for result in results:
        result.pop("segmentation")
        if masks != "none":
            result["segmentation"] = [] if masks == "empty" else None
    run = scored(tmp_path, truth, results)
    assert ["boxes"] == list(run.record.scores)
    agrees(run, truth, results, "bbox")


@pytest.mark.parametrize(
    ("far", "near"),
    [
        ([1, 2, 1e8, 1e8], [1, 2, 500, 500]),
        ([-1e8, 3, 2e8, 20], [-50, 3, 500, 20]),
        ([1e8, 1e8, 5, 5], [300, 300, 5, 5]),
    ],
)
def test_boxes_of_results_are_drawn_however_far_they_reach(
    tmp_path: Path, far: list[float], near: list[float]
) -> None:
    """A network may predict any box; as a mask it is cut at the image, which changes no pixel of
    it.
    """
    truth, results = objects()
    drop("segmentation")(results)
    tables = []
    for box in (far, near):
        results[0]["bbox"] = box
        tables.append(
            scored(tmp_path, truth, results, metrics="instance", area_from="mask").tables[
                "mask_detections"
            ]
        )
    assert all(np.array_equal(tables[0][name], tables[1][name]) for name in tables[0])


@pytest.mark.parametrize("first", [[], [3, 3], [3, 3, 4, 4]])
def test_a_part_without_three_points_is_left_out_wherever_it_stands(
    tmp_path: Path, first: list[float]
) -> None:
    """pycocotools stops where it is the first one of an object, and draws nothing where it comes
    later.
    """
    truth, results = objects()
    expected = scored(tmp_path, truth, results).record.scores
    truth["annotations"][0]["segmentation"].insert(0, first)
    assert expected == scored(tmp_path, truth, results).record.scores


def test_missing_areas_and_crowd_flags_are_those_of_the_masks(tmp_path: Path) -> None:
    truth, results = objects()
    for entry in truth["annotations"]:
        # What pycocotools draws of a square of 20: the pixels of 20 by 20.
        entry["area"] = entry["bbox"][2] * entry["bbox"][3]
    expected = scored(tmp_path, truth, results).record.scores
    drop("area")(truth["annotations"])
    drop("iscrowd")(truth["annotations"])
    assert expected == scored(tmp_path, truth, results).record.scores


# ---- categories


def test_a_root_category_of_the_same_name_scores_as_in_pycocotools(tmp_path: Path) -> None:
    truth, results = objects()
    root = {"id": 0, "name": "cat", "supercategory": "none"}
    truth["categories"] = [
        root,
        *({**each, "supercategory": "cat"} for each in truth["categories"]),
    ]
    run = scored(tmp_path, truth, results)
    agrees(run, truth, results, "bbox segm")
    assert ("cat (0)", "cat", "dog") == run.record.classes.names


@pytest.mark.parametrize(
    ("categories", "names"),
    [
        ([{"id": 1, "name": "cat"}, {"id": 2, "name": "cat"}], ("cat", "cat (2)")),
        ([{"id": 2}, {"id": 1.0, "name": ""}], ("category 1", "category 2")),
        (
            [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}, {"id": 1, "name": "cat"}],
            ("cat", "dog"),
        ),
        (
            [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}, {"id": 255, "name": "kite"}],
            ("cat", "dog", "kite"),
        ),
        ([{"id": k, "name": str(k)} for k in range(1, 366)], tuple(str(k) for k in range(1, 366))),
        (
            [{"id": 2, "name": "a"}, {"id": 1, "name": "a"}, {"id": 3, "name": "a (2)"}],
            ("a", "a (2)'", "a (2)"),
        ),
    ],
    ids=[
        "the same name",
        "no names",
        "listed twice",
        "the id of void",
        "more than 255",
        "numbers that are taken",
    ],
)
def test_categories_as_they_come_score_as_in_pycocotools(
    tmp_path: Path, categories: list[Entry], names: tuple[str, ...]
) -> None:
    truth, results = objects()
    truth["categories"] = categories
    run = scored(tmp_path, truth, results)
    agrees(run, truth, results, "bbox segm")
    assert names == run.record.classes.names


# ---- what is refused although pycocotools has a number for it


def test_nothing_to_score_is_said(tmp_path: Path) -> None:
    truth, _ = objects()
    with pytest.raises(
        DataError, match=r"truth\.json: lists no categories, so there is nothing to score"
    ):
        scored(tmp_path, {**truth, "annotations": [], "categories": []}, [])


def test_an_annotation_of_an_unlisted_category_is_named(tmp_path: Path) -> None:
    truth, results = objects()
    truth["annotations"][3]["category_id"] = 7
    what = r"annotation 3 \(id 4, image 2\) has the category 7"
    words = rf"{what}, which `categories` of the file does not list \(it lists 1, 2\)"
    with pytest.raises(DataError, match=words):
        scored(tmp_path, truth, results)


def test_an_annotation_of_an_unlisted_image_is_named(tmp_path: Path) -> None:
    truth, results = objects()
    truth["annotations"][3]["image_id"] = 9
    with pytest.raises(
        DataError, match=r"annotation 3 \(id 4\) belongs to image 9, which the file does not list"
    ):
        scored(tmp_path, truth, results)


def test_a_result_of_an_unlisted_category_is_named(tmp_path: Path) -> None:
    truth, results = objects()
    results[3]["category_id"] = 7
    with pytest.raises(
        PredictionError, match=r"result 3 \(image 2\): category 7 is not a class of the card mine"
    ):
        scored(tmp_path, truth, results)


def test_a_score_that_is_no_number_is_named(tmp_path: Path) -> None:
    truth, results = objects()
    results[3]["score"] = float("nan")
    with pytest.raises(PredictionError, match=r"NaN or Infinity in \[3\]\.score"):
        scored(tmp_path, truth, results)


def test_ids_that_are_no_whole_numbers_are_refused(tmp_path: Path) -> None:
    truth, results = objects()
    results[3]["image_id"] = 2.5
    with pytest.raises(PredictionError, match=r"\[3\]: the image_id 2\.5 is not a whole number"):
        scored(tmp_path, truth, results)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"segmentation": [5, 5, 25, 5, 25, 25]},
            r"segmentation\[0\]; a segmentation is a list of polygons",
        ),
        (
            {"segmentation": {"size": [H, W], "counts": [10**40]}},
            r"annotation 0 \(id 1, image 1\): a run longer",
        ),
        ({"image_id": 10**30}, "which the file does not list"),
        ({"category_id": 10**30}, "which `categories` of the file does not list"),
        ({"bbox": [0, 0, 1e300, 1]}, "which is outside every image"),
    ],
)
def test_numbers_that_cannot_be_are_told_and_harm_nobody(
    tmp_path: Path, change: Entry, words: str
) -> None:
    truth, results = objects()
    truth["annotations"][0].update(change)
    with pytest.raises(DataError, match=words):
        scored(tmp_path, truth, results)


def test_ids_of_categories_that_are_too_large_are_refused(tmp_path: Path) -> None:
    truth, results = objects()
    truth["categories"].append({"id": 10**30, "name": "kite"})
    with pytest.raises(DataError, match=r"categories\[2\]: the id 10+ is too large for a category"):
        scored(tmp_path, truth, results)


def test_the_card_of_a_data_set_still_refuses_other_names(tmp_path: Path) -> None:
    from bench.formats.coco import data_set as coco

    (tmp_path / "truth.json").write_text(json.dumps(objects()[0]))
    with pytest.raises(DataError, match="category 1 is 'cat' there and 'person' in the card"):
        coco.read_truth(load_card("coco-instances"), tmp_path / "truth.json", "val")
