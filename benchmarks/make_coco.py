"""Generates COCO ground truth and results.

`truth.json` has polygons and crowds, `bbox.json` and `segm.json` have detections.

Detections are perturbed ground truth and random boxes, not the output of a detector, and the tables
say so. Many scores are equal in size S (three decimals), few in M (float32).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import shapes

SEEDS = {"S": 101, "M": 202}
IMAGES = {"S": 500, "M": 5000}
BOXES, MASKS = 100, 50
"""Detections per image in the two results files."""
CROWD_EVERY = 80
CATEGORIES = [
    number for number in range(1, 91) if number not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
]
Entry = dict[str, Any]


def make(folder: Path, size: str) -> None:
    """Write the ground truth, two results files, and the masks once more with their boxes."""
    names = _names()
    images: list[Entry] = []
    truths: list[Entry] = []
    with (folder / "bbox.json").open("w") as boxes, (folder / "segm.json").open("w") as masks:
        boxes.write("[")
        masks.write("[")
        for index in range(IMAGES[size]):
            generator = np.random.default_rng([SEEDS[size], index])
            image = {
                "id": 139 + 117 * index,
                "file_name": f"{139 + 117 * index:012d}.jpg",
                "width": 640,
                "height": 480,
            }
            if index % 3 == 0:
                image |= {"width": 427, "height": 640}
            images.append(image)
            true_objects = _truths(generator, image, first=len(truths) + 1)
            truths += true_objects
            first = "" if index == 0 else ","
            boxes.write(
                first
                + ",".join(
                    map(
                        json.dumps,
                        _detections(generator, image, true_objects, BOXES, size, masks=False),
                    )
                )
            )
            masks.write(
                first
                + ",".join(
                    map(
                        json.dumps,
                        _detections(generator, image, true_objects, MASKS, size, masks=True),
                    )
                )
            )
        boxes.write("]")
        masks.write("]")
    _add_boxes(folder)
    categories = [
        {"id": number, "name": names[number], "supercategory": "made"} for number in CATEGORIES
    ]
    (folder / "truth.json").write_text(
        json.dumps({"images": images, "annotations": truths, "categories": categories})
    )


def _add_boxes(folder: Path) -> None:
    """Write `segm-boxes.json`, for a peer that needs boxes to read masks."""
    from pycocotools import mask as coco

    rows = json.loads((folder / "segm.json").read_text())
    for row in rows:
        rle = row["segmentation"] | {"counts": row["segmentation"]["counts"].encode()}
        row["bbox"] = [float(value) for value in coco.toBbox(rle)]
    (folder / "segm-boxes.json").write_text(json.dumps(rows, separators=(",", ":")))


def _names() -> dict[int, str]:
    from bench.cards import load_card

    return {entry.id: entry.name for entry in load_card("coco-instances").classes.entries}


def _truths(generator: np.random.Generator, image: Entry, *, first: int) -> list[Entry]:
    from pycocotools import mask as coco

    size = image["height"], image["width"]
    entries = []
    for number in range(first, first + int(generator.poisson(7.36))):
        points = _outline(
            generator,
            size,
            generator.random(2) * (size[1], size[0]),
            float(np.exp(generator.uniform(1.6, 4.8))),
        )
        polygon = [round(float(value), 2) for value in points.ravel()]
        rle = coco.frPyObjects([polygon], *size)[0]
        crowd = number % CROWD_EVERY == 0
        entries.append(
            {
                "id": number,
                "image_id": image["id"],
                "category_id": int(generator.choice(CATEGORIES, p=_frequencies())),
                "iscrowd": int(crowd),
                "area": float(coco.area(rle)),
                "bbox": [float(value) for value in coco.toBbox(rle)],
                "segmentation": _plain(rle) if crowd else [polygon],
            }
        )
    return entries


def _frequencies() -> shapes.Array:
    weights = 1 / (np.arange(len(CATEGORIES)) + 1.5)
    return weights / weights.sum()


def _detections(
    generator: np.random.Generator,
    image: Entry,
    truths: list[Entry],
    count: int,
    size: str,
    *,
    masks: bool,
) -> list[Entry]:
    """Half are true objects, moved and resized; the others are anywhere.

    They are sorted by descending score, as in real files.
    """
    scores = np.sort(generator.beta(0.7, 2.0, count))[::-1]
    rows = []
    for index in range(count):
        if truths and generator.random() < 0.5:
            truth = truths[int(generator.integers(len(truths)))]
            x, y, width, height = truth["bbox"]
            category = (
                truth["category_id"]
                if generator.random() < 0.85
                else int(generator.choice(CATEGORIES))
            )
        else:
            x, y, width, height = generator.random(4) * (image["width"], image["height"], 160, 160)
            category = int(generator.choice(CATEGORIES))
        jitter = generator.normal(0, 0.12, 4) * (width, height, width, height)
        box = np.maximum(np.array([x, y, width, height]) + jitter, (0, 0, 2, 2))
        score = round(float(scores[index]), 3) if size == "S" else float(np.float32(scores[index]))
        row: Entry = {"image_id": image["id"], "category_id": category, "score": score}
        rows.append(
            row
            | (
                _mask(generator, box, image)
                if masks
                else {"bbox": [round(float(v), 2) for v in box]}
            )
        )
    return rows


def _mask(generator: np.random.Generator, box: shapes.Array, image: Entry) -> Entry:
    from pycocotools import mask as coco

    size = image["height"], image["width"]
    points = _outline(generator, size, box[:2] + box[2:] / 2, float(np.sqrt(box[2] * box[3]) / 1.8))
    rle = coco.frPyObjects([points.ravel().tolist()], *size)[0]
    return {"segmentation": {"size": list(size), "counts": rle["counts"].decode()}}


def _outline(
    generator: np.random.Generator, size: tuple[int, int], centre: shapes.Array, reach: float
) -> shapes.Array:
    points = shapes.outline(generator, centre, max(reach, 2.0), int(generator.integers(20, 61)))
    return np.clip(points, 0, (size[1] - 1, size[0] - 1))


def _plain(rle: Entry) -> Entry:
    """Crowds have uncompressed run lengths in COCO."""
    from bench import masks

    return {"size": list(rle["size"]), "counts": masks.runs(rle).tolist()}
