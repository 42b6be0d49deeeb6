"""Small COCO data sets made up from a seed, pycocotools run on them, and the same objects as
columns of `bench`.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bench import masks
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

Array = np.ndarray[Any, Any]
Entry = dict[str, Any]
H, W = 110, 120
SCORES = (0.1, 0.5, 0.5, 0.7, 0.9)


@dataclass
class Case:
    """A data set and results for it, as COCO's files have them; images have the ids 1 .. N."""

    images: int
    classes: int
    annotations: list[Entry]
    results: list[Entry]


def case(seed: int, *, classes: int = 3, distinct_scores: bool = False, most: int = 8) -> Case:
    """Make up a case: crowds, empty masks, duplicates, empty images and classes, ties, and areas at
    the borders.
    """
    random = np.random.default_rng(seed)
    images = int(random.integers(1, 6))
    annotations: list[Entry] = []
    results: list[Entry] = []
    for image in range(1, images + 1):
        for _ in range(int(random.integers(0, most))):
            mask = _blob(random)
            annotations.append(
                _entry(mask, image, int(random.integers(1, classes + 1)))
                | {"id": len(annotations) + 1, "iscrowd": int(random.random() < 0.2)}
            )
            if random.random() < 0.3:
                annotations[-1]["area"] = float(random.choice([1024, 9216, 1023.5, 9217, 50]))
        own = [a for a in annotations if a["image_id"] == image]
        for _ in range(int(random.integers(0, most))):
            if own and random.random() < 0.7:
                near = own[int(random.integers(len(own)))]
                mask = np.roll(
                    coco_mask.decode(near["segmentation"]), random.integers(-3, 4, 2), axis=(0, 1)
                )
                results.append(_entry(mask, image, near["category_id"]))
            else:
                results.append(_entry(_blob(random), image, int(random.integers(1, classes + 1))))
            if random.random() < 0.2:
                results.append(dict(results[-1]))
    scores = (
        random.permutation(len(results)) / 7
        if distinct_scores
        else random.choice(SCORES, len(results))
    )
    for result, score in zip(results, scores.tolist(), strict=True):
        del result["area"]
        result["score"] = score
    order = random.permutation(len(results))
    return Case(images, classes, annotations, [results[place] for place in order.tolist()])


def crowded(seed: int) -> Case:
    """Make up a case with more than a hundred detections of one class in one image."""
    made = case(seed, classes=1, most=14)
    random = np.random.default_rng(seed)
    made.results = [
        {**made.results[place], "score": float(random.choice(SCORES))}
        for place in random.integers(0, max(len(made.results), 1), 320).tolist()
        if made.results
    ]
    return made


def repeated(made: Case, weights: list[int]) -> Case:
    """Repeat image n `weights[n]` times, copies beside their originals."""
    annotations, results, image = [], [], 0
    for number, weight in enumerate(weights, start=1):
        for _ in range(weight):
            image += 1
            annotations += [
                {**a, "image_id": image} for a in made.annotations if a["image_id"] == number
            ]
            results += [{**r, "image_id": image} for r in made.results if r["image_id"] == number]
    for place, annotation in enumerate(annotations):
        annotation["id"] = place + 1
    return Case(image, made.classes, annotations, results)


def pycocotools(made: Case, kind: str, *, with_boxes: bool = False) -> COCOeval:
    """Run pycocotools; results have masks only, or boxes too, which then give the areas."""
    drop = {"segmentation"} if kind == "bbox" and with_boxes else set() if with_boxes else {"bbox"}
    results = [
        {key: value for key, value in result.items() if key not in drop} for result in made.results
    ]
    return evaluated(dataset(made), results, kind)


def dataset(made: Case) -> Entry:
    """The truth as a COCO file has it."""
    return {
        "images": [{"id": n, "height": H, "width": W} for n in range(1, made.images + 1)],
        "categories": [{"id": k, "name": str(k)} for k in range(1, made.classes + 1)],
        "annotations": [dict(annotation) for annotation in made.annotations],
    }


def evaluated(truth: Entry, results: list[Entry], kind: str) -> COCOeval:
    """Evaluate, accumulate and summarize without a word."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        found = coco.loadRes([dict(result) for result in results]) if results else _empty(truth)
        evaluation = COCOeval(coco, found, kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def columns(made: Case) -> tuple[TruthColumns, DetectionColumns]:
    """The same objects as columns, in the same order."""
    return truth_columns(dataset(made)), detection_columns(dataset(made), made.results)


def truth_columns(truth: Entry) -> TruthColumns:
    """The annotations of a truth file whose segmentations are compressed."""
    entries = truth["annotations"]
    image, classes, boxes = _shared(truth, entries)
    return TruthColumns(
        images=len(truth["images"]),
        image=image,
        classes=classes,
        boxes=boxes,
        areas=np.array([entry["area"] for entry in entries], dtype=np.float64),
        crowd=np.array([bool(entry["iscrowd"]) for entry in entries], dtype=bool),
        runs=runs([entry["segmentation"] for entry in entries]),
    )


def detection_columns(truth: Entry, results: list[Entry]) -> DetectionColumns:
    """The results; those without a box get that of their mask."""
    entries = [
        {"bbox": coco_mask.toBbox(r["segmentation"]).tolist(), **r} if "bbox" not in r else r
        for r in results
    ]
    image, classes, boxes = _shared(truth, entries)
    return DetectionColumns(
        images=len(truth["images"]),
        image=image,
        classes=classes,
        scores=np.array([entry["score"] for entry in entries], dtype=np.float64),
        boxes=boxes,
        runs=runs([entry["segmentation"] for entry in entries])
        if all("segmentation" in e for e in entries)
        else None,
    )


def runs(codes: list[Entry]) -> Runs:
    """Compressed masks as runs."""
    lengths = [masks.runs({**code, "counts": _bytes(code["counts"])}) for code in codes]
    offsets = np.cumsum([0, *(len(each) for each in lengths)], dtype=np.int64)
    joined = np.concatenate([np.zeros(0, np.int64), *lengths]).astype(np.uint32)
    return Runs(offsets, joined, np.array([code["size"][0] for code in codes], dtype=np.int32))


def _shared(truth: Entry, entries: list[Entry]) -> tuple[Array, Array, Array]:
    images = {
        number: place
        for place, number in enumerate(sorted(image["id"] for image in truth["images"]))
    }
    kinds = {
        number: place
        for place, number in enumerate(sorted(each["id"] for each in truth["categories"]))
    }
    return (
        np.array([images[entry["image_id"]] for entry in entries], dtype=np.int32),
        np.array([kinds[entry["category_id"]] for entry in entries], dtype=np.int32),
        np.array([entry["bbox"] for entry in entries], dtype=np.float64).reshape(-1, 4),
    )


def _blob(random: np.random.Generator) -> Array:
    """A mask of one or two rectangles with a hole, or none at all."""
    mask = np.zeros((H, W), dtype=bool)
    for _ in range(int(random.integers(0, 3))):
        top, left = random.integers(0, (H, W))
        tall, wide = random.integers(1, 100 if random.random() < 0.3 else 30, 2)
        mask[top : top + tall, left : left + wide] = True
    top, left = random.integers(0, (H, W))
    mask[top : top + 4, left : left + 4] = False
    return mask


def _entry(mask: Array, image: int, category: int) -> Entry:
    code = masks.encode(mask)
    return {
        "image_id": image,
        "category_id": category,
        "segmentation": {"size": [H, W], "counts": code["counts"].decode()},
        "area": float(mask.sum()),
        "bbox": masks.boxes([code])[0].tolist(),
    }


def _bytes(counts: str | bytes) -> bytes:
    return counts.encode() if isinstance(counts, str) else counts


def _empty(truth: Entry) -> COCO:
    coco = COCO()
    coco.dataset = {**truth, "annotations": []}
    coco.createIndex()
    return coco
