"""Notices on odd objects: masks and boxes that contradict each other, objects that no detection can
match.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cli, masks, opening, scoring
from bench.evaluation import evaluate
from bench.evaluation.boxes_only import boxes_alone, boxes_of_truth
from bench.evaluation.choosing import rules_for
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.jobs import FromReader
from bench.evaluation.stored import stored_predictions
from bench.metrics import object_checks
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
ROWS = [
    (1, 1, 30, 5, 8, 20),
    (1, 2, 40, 10, 12, 30),
    (2, 1, 50, 10, 9, 25),
    (2, 2, 45, 30, 8, 20),
    (3, 1, 30, 20, 9, 30),
]


def square(x: float, y: float, w: float, h: float) -> list[list[float]]:
    return [[x, y, x + w, y, x + w, y + h, x, y + h]]


def code(x: int, y: int, w: int, h: int, *, turned: bool = False) -> Entry:
    mask = np.zeros((H, W), dtype=bool)
    mask[y : y + h, x : x + w] = True
    return {
        "size": [H, W],
        "counts": masks.encode(mask.T.reshape(H, W) if turned else mask)["counts"].decode(),
    }


def objects() -> tuple[Entry, list[Entry]]:
    """Three images with five objects, and one detection of each that is a pixel off."""
    truth = {
        "images": [
            {"id": i, "file_name": f"img_{i}.jpg", "height": H, "width": W} for i in (1, 2, 3)
        ],
        "annotations": [
            {
                "id": 10 + n,
                "image_id": i,
                "category_id": c,
                "bbox": [x, y, w, h],
                "area": w * h,
                "iscrowd": 0,
            }
            | {"segmentation": square(x, y, w, h)}
            for n, (i, c, x, y, w, h) in enumerate(ROWS)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    results = [
        {
            "image_id": i,
            "category_id": c,
            "bbox": [x + 1, y, w, h],
            "segmentation": code(x + 1, y, w, h),
            "score": 0.9,
        }
        for i, c, x, y, w, h in ROWS
    ]
    return truth, results


def scored(folder: Path, truth: Entry, results: list[Entry], *, metrics: str = "default") -> Run:
    """Evaluate the files as `bench eval` does."""
    (folder / "card.toml").write_text(CARD)
    for name, content in (("truth", truth), ("results", results)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    opened = opening.open_data(str(folder / "card.toml"), root=folder / "truth.json")
    path = folder / "results.json"
    told = boxes_of_truth(opened.samples, "instance", metrics)
    rules = rules_for(
        opened.card,
        "instance",
        metrics=metrics,
        masks=not boxes_alone(path) and not told,
        interval="none",
    )
    where: Any = {"root": opened.root, "task": "instance", "rules": rules, "notices": told}
    job = stored_predictions(opened.card, opened.split, opened.samples, path, **where)
    return evaluate(job, out=folder / "runs")


def said(run: Run) -> dict[str, str]:
    """What was said by its code, without what every small run says."""
    return {
        each.code: f"{each.severity}: {each.message}"
        for each in run.record.warnings
        if each.code not in USUAL
    }


USUAL = ("few-images", "few-clusters", "no-clusters", "silent-classes")


def each(change: Callable[[Entry], Any]) -> Callable[[Entry, list[Entry]], Any]:
    return lambda truth, _: [change(entry) for entry in truth["annotations"]]


def every(change: Callable[[Entry], Any]) -> Callable[[Entry, list[Entry]], Any]:
    return lambda _, results: [change(entry) for entry in results]


def one(**values: Any) -> Callable[[Entry, list[Entry]], Any]:
    return lambda truth, _: truth["annotations"][0].update(copy.deepcopy(values))


def corners(entry: Entry) -> None:
    x, y, w, h = entry["bbox"]
    entry["bbox"] = [x, y, x + w, y + h]


def fractions(entry: Entry) -> None:
    x, y, w, h = entry["bbox"]
    entry["bbox"] = [x / W, y / H, w / W, h / H]
    if isinstance(entry.get("segmentation"), list):
        entry["segmentation"] = [
            [value / (W, H)[n % 2] for n, value in enumerate(entry["segmentation"][0])]
        ]


def turned(truth: Entry, results: list[Entry]) -> None:
    for image in truth["images"]:
        image.update(height=W, width=W)
    for entry, (*_, x, y, w, h) in zip(results, ROWS, strict=True):
        mask = np.zeros((W, W), dtype=bool)
        mask[y : y + h, x + 1 : x + 1 + w] = True
        entry["segmentation"] = {"size": [W, W], "counts": masks.encode(mask.T)["counts"].decode()}


def moved(entry: Entry) -> None:
    entry["segmentation"] = [[value + 500 for value in entry["segmentation"][0]]]


FIRST = "image img_1, annotation 10"
CASES: dict[str, tuple[Callable[[Entry, list[Entry]], Any], dict[str, str]]] = {
    "nothing odd": (lambda *_: None, {}),
    "no mask of one": (
        one(segmentation=[]),
        {
            "masks-from-boxes": "warning: 1 of 5 objects of the ground truth has no mask "
            f"(first: {FIRST}); "
            "its box is used instead (--metrics boxes scores boxes alone)"
        },
    ),
    "a part of two points": (
        one(segmentation=[*square(30, 5, 8, 20), [3, 3, 4, 4]]),
        {
            "polygon-parts-left-out": "note: 1 of 5 objects of the ground truth has polygon "
            "parts of fewer than three "
            f"points or with an odd number of coordinates (first: {FIRST}); such a part, or "
            "its last coordinate, is "
            "left out, as in pycocotools"
        },
    ),
    "no pixel of one": (
        one(segmentation=square(100, 5, 8, 20)),
        {
            "objects-without-pixels": "warning: 1 of 5 objects of the ground truth has no "
            "pixel in its image "
            f"(first: {FIRST}): no detection can match it"
        },
    ),
    "no mask and no extent": (
        one(segmentation=[], bbox=[0, 0, 0, 0], area=0),
        {
            "objects-without-pixels": "warning: 1 of 5 objects of the ground truth has no "
            "pixel in its image "
            f"(first: {FIRST}): no detection can match it"
        },
    ),
    "no pixel of any": (
        each(moved),
        {
            "objects-without-pixels": "warning: 5 of 5 objects of the ground truth have no "
            "pixel in their images "
            f"(first: {FIRST}): no detection can match them; the polygons may be fractions of "
            "the image, or the "
            "image's height and width may be swapped"
        },
    ),
    "crowds alone": (
        each(lambda entry: entry.update(iscrowd=1)),
        {
            "nothing-to-find": "warning: all 5 objects of the ground truth are crowds (iscrowd "
            "= 1), which do not "
            "count as objects to find: nothing can be scored"
        },
    ),
    "negative areas alone": (
        each(lambda entry: entry.update(area=-5)),
        {
            "nothing-to-find": "warning: all 5 objects of the ground truth are crowds or "
            "ignored, or have an area "
            "below 0 or above 1e10: nothing can be scored",
            "json-areas": "warning: 5 of 5 objects of the ground truth have an area in the "
            "JSON that is far from that "
            f"of the mask (first: {FIRST}: area -5, but 160 pixels); it decides which objects "
            "are small, medium or "
            "large: leave `area` out of the file, and it is computed",
        },
    ),
    "no objects": (
        lambda truth, _: truth["annotations"].clear(),
        {
            "nothing-to-find": "warning: the ground truth holds no object of a scored class in "
            "these images: nothing "
            "can be scored"
        },
    ),
    "areas in fractions": (
        each(lambda entry: entry.update(area=entry["area"] / H / W)),
        {
            "json-areas": "warning: 5 of 5 objects of the ground truth have an area in the "
            "JSON that is far from that "
            f"of the mask (first: {FIRST}: area 0.0333333, but 160 pixels); it decides which "
            "objects are small, medium "
            "or large: leave `area` out of the file, and it is computed"
        },
    ),
    "areas of boxes around disks": (
        each(lambda entry: entry.update(area=entry["area"] * 4 / np.pi)),
        {},
    ),
    "boxes of the truth as corners": (
        each(corners),
        {
            "boxes-and-masks": "warning: the boxes of 5 of 5 objects of the ground truth do "
            "not fit their "
            f"masks (first: {FIRST}: box [30, 5, 38, 25], box around the mask [30, 5, 8, 20]); "
            "COCO's boxes are x, y, "
            "width and height in pixels, and masks are height x width"
        },
    ),
    "boxes of results as corners": (
        every(corners),
        {
            "boxes-and-masks": "warning: the boxes of 5 of 5 results do not fit their masks "
            "(first: image "
            "img_1, result 0: box [31, 5, 39, 25], box around the mask [31, 5, 8, 20]); COCO's "
            "boxes are x, y, width "
            "and height in pixels, and masks are height x width"
        },
    ),
    "boxes of results all zero": (
        every(lambda entry: entry.update(bbox=[0, 0, 0, 0])),
        {
            "boxes-and-masks": "warning: the boxes of 5 of 5 results do not fit their masks "
            "(first: image "
            "img_1, result 0: box [0, 0, 0, 0], box around the mask [31, 5, 8, 20]); COCO's "
            "boxes are x, y, width and "
            "height in pixels, and masks are height x width"
        },
    ),
    "masks transposed": (
        turned,
        {
            "boxes-and-masks": "warning: the boxes of 5 of 5 results do not fit their masks "
            "(first: image "
            "img_1, result 0: box [31, 5, 8, 20], box around the mask [5, 31, 20, 8]); COCO's "
            "boxes are x, y, width "
            "and height in pixels, and masks are height x width"
        },
    ),
    "a result without a pixel": (
        lambda _, results: results[3].update(
            segmentation={"size": [H, W], "counts": code(0, 0, 0, 0)["counts"]}
        ),
        {
            "objects-without-pixels": "warning: 1 of 5 results has no pixel in its image "
            "(first: image img_2, result "
            "3): it cannot match any object"
        },
    ),
    "a box of a result without width": (
        lambda _, results: results[3].update(bbox=[46, 30, 0, 20]),
        {
            "boxes-without-extent": "warning: the box of 1 of 5 results has no width or height "
            "(first: image img_2, "
            "result 3: [46, 30, 0, 20]): it cannot match any object"
        },
    ),
}


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("name", CASES)
def test_what_is_odd_is_said(tmp_path: Path, name: str) -> None:
    """The compiled reader and the slow one say the same."""
    change, expected = CASES[name]
    truth, results = objects()
    change(truth, results)
    run = scored(tmp_path, truth, results)
    assert said(run) == expected | (
        {"boxes-beyond-image": said(run)["boxes-beyond-image"]} if "corners" in name else {}
    )
    # A record that is read again says the same.
    again = [(each.code, each.message) for each in scoring.rescore(run).warnings]
    assert [pair for pair in again if pair[0] in expected] == [
        (each.code, each.message) for each in run.record.warnings if each.code in expected
    ]


BOXES: dict[str, tuple[Callable[[Entry, list[Entry]], Any], dict[str, str]]] = {
    "nothing odd": (lambda *_: None, {}),
    "one box without width": (
        lambda _, results: results[2].update(bbox=[46, 30, 0, 20]),
        {
            "boxes-without-extent": "warning: the box of 1 of 5 results has no width or height "
            "(first: image img_2, "
            "result 2: [46, 30, 0, 20]): it cannot match any object"
        },
    ),
    "all boxes empty": (
        every(lambda entry: entry.update(bbox=[7, 7, 0, 0])),
        {
            "boxes-without-extent": "warning: the boxes of 5 of 5 results have no width or "
            "height (first: image img_1, "
            "result 0: [7, 7, 0, 0]): they cannot match any object"
        },
    ),
    "corners": (
        every(corners),
        {
            "boxes-beyond-image": "warning: the boxes of 4 of 5 results reach far beyond their "
            "images (first: image "
            "img_1, result 1: [41, 10, 53, 40] in an image of 60 x 80, height x width); COCO's "
            "boxes are x, y, width "
            "and height in pixels: these may be x1, y1, x2, y2, or belong to images of another size"
        },
    ),
    "fractions": (
        every(fractions),
        {
            "boxes-in-fractions": "warning: the boxes of 5 of 5 results look like fractions of "
            "the image, between 0 "
            "and 1 (first: image img_1, result 0: [0.3875, 0.0833333, 0.1, 0.333333]); COCO's "
            "boxes are x, y, width "
            "and height in pixels"
        },
    ),
    "a truth box of no height": (
        lambda truth, _: truth["annotations"][4].update(bbox=[30, 20, 9, 0]),
        {
            "boxes-without-extent": "warning: the box of 1 of 5 objects of the ground truth "
            "has no width or height "
            "(first: image img_3, annotation 14: [30, 20, 9, 0]): no detection can match it"
        },
    ),
    "areas of 1": (
        each(lambda entry: entry.update(area=1.0)),
        {
            "json-areas": "warning: 5 of 5 objects of the ground truth have an area in the "
            "JSON that is far from that "
            f"of the box (first: {FIRST}: area 1, but 160 pixels); it decides which objects "
            "are small, medium or "
            "large: leave `area` out of the file, and it is computed"
        },
    ),
}


@pytest.mark.parametrize("name", BOXES)
def test_what_is_odd_about_boxes_alone_is_said(tmp_path: Path, name: str) -> None:
    change, expected = BOXES[name]
    truth, results = objects()
    for entry in results:
        entry.pop("segmentation")
    change(truth, results)
    run = scored(tmp_path, truth, results)
    assert ["boxes"] == list(run.record.scores)
    assert expected == said(run)


# ---- truth of boxes alone


@pytest.mark.parametrize("empty", [[], [[]], None, "left out"])
def test_truth_without_masks_scores_boxes_alone_and_says_so(tmp_path: Path, empty: Any) -> None:
    truth, results = objects()
    for entry in truth["annotations"]:
        entry["segmentation"] = empty
        if empty == "left out":
            del entry["segmentation"]
    run = scored(tmp_path, truth, results)
    assert ["boxes"] == list(run.record.scores)
    words = (
        "warning: the ground truth holds boxes and no masks: only boxes are scored "
        "(--metrics all draws masks)"
    )
    assert {"truth-of-boxes": words} == said(run)


def test_masks_of_truth_without_masks_are_drawn_where_they_are_asked_for(tmp_path: Path) -> None:
    truth, results = objects()
    for entry in truth["annotations"]:
        entry["segmentation"] = []
    run = scored(tmp_path, truth, results, metrics="AP")
    assert ["instance"] == list(run.record.scores)
    words = (
        "warning: none of 5 objects of the ground truth has a mask; their boxes are used instead "
        "(--metrics boxes scores boxes alone)"
    )
    assert {"masks-from-boxes": words} == said(run)


def test_the_command_scores_boxes_alone_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, results = objects()
    for entry in truth["annotations"]:
        entry["segmentation"] = []
    scored(tmp_path, truth, results)
    capsys.readouterr()
    arguments = ["-p", str(tmp_path / "results.json"), "-d", str(tmp_path / "card.toml")]
    arguments += ["--data", str(tmp_path / "truth.json"), "--out", str(tmp_path / "more")]
    assert 0 == cli.main(["eval", *arguments])
    told = " ".join(capsys.readouterr().out.split())
    assert "Warning: the ground truth holds boxes and no masks: only boxes are scored" in told
    assert "by masks" not in told


# ---- names


def test_categories_of_one_name_are_told(tmp_path: Path) -> None:
    truth, results = objects()
    truth["categories"].insert(0, {"id": 0, "name": "cat", "supercategory": "none"})
    truth["categories"][1]["supercategory"] = "cat"
    words = (
        "note: several categories of the ground truth are named 'cat'; one is shown as 'cat (0)'"
    )
    assert {"same-names": words} == said(scored(tmp_path, truth, results))


# ---- other ways to count


def test_image_by_image_is_as_in_bulk(tmp_path: Path) -> None:
    """The loop in Python, which counts image by image, finds the same."""
    truth, results = objects()
    truth["annotations"][0]["segmentation"] = square(100, 5, 8, 20)
    for entry in results:
        corners(entry)
    run = scored(tmp_path, truth, results)
    opened = opening.open_data(str(tmp_path / "card.toml"), root=tmp_path / "truth.json")
    job = stored_predictions(
        opened.card,
        opened.split,
        opened.samples,
        tmp_path / "results.json",
        root=opened.root,
        task="instance",
    )
    evaluator = Evaluator(opened.card, task="instance")
    assert isinstance(job.predictions, FromReader)
    for sample in opened.samples:
        evaluator.add(sample, job.predictions.read(sample))
    bulk, single = run.tables[object_checks.TABLE], evaluator.tables()[object_checks.TABLE]
    for name, column in bulk.items():
        np.testing.assert_array_equal(column, single[name], err_msg=name)
    assert len(bulk["image"]) > 3


def test_files_in_order_leave_the_table_empty(tmp_path: Path) -> None:
    run = scored(tmp_path, *objects())
    assert 0 == len(run.tables[object_checks.TABLE]["image"])
