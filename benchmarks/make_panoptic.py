"""Generates panoptic ground truth and predictions in COCO's format.

These are JSON files with segments, and PNG files whose colours are ids.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import shapes

SEED = 404
IMAGES = {"S": 50, "M": 500}
SIZE = (480, 640)
STEP = 977
"""Ids are multiples of this, so that they use all three colour channels."""
Entry = dict[str, Any]


def make(folder: Path, size: str) -> None:
    """Write ground truth and predictions."""
    categories = _categories()
    things = [entry["id"] for entry in categories if entry["isthing"]]
    stuff = [entry["id"] for entry in categories if not entry["isthing"]]
    images: list[Entry] = []
    annotations: dict[str, list[Entry]] = {"panoptic": [], "panoptic-predicted": []}
    for index in range(IMAGES[size]):
        generator = np.random.default_rng([SEED, index])
        images.append(
            {
                "id": index + 1,
                "file_name": f"{index + 1:012d}.jpg",
                "width": SIZE[1],
                "height": SIZE[0],
            }
        )
        ids, classes = _scene(generator, things, stuff)
        changed = dict(classes)
        for value in list(changed)[:: int(generator.integers(4, 9))]:
            changed[value] = int(generator.choice(things if changed[value] in things else stuff))
        predicted = _joined(generator, shapes.warped(generator, ids, 3.0, 20), changed)
        for name, segment_ids, category_of in (
            ("panoptic", ids, classes),
            ("panoptic-predicted", predicted, changed),
        ):
            annotations[name].append(_write(folder / name, index + 1, segment_ids, category_of))
    for name, rows in annotations.items():
        content = {"images": images, "annotations": rows, "categories": categories}
        (folder / f"{name}.json").write_text(json.dumps(content))
    inner = folder / "panoptic-predicted" / "panoptic-predicted.json"
    if not inner.exists():
        inner.hardlink_to(folder / "panoptic-predicted.json")


def _categories() -> list[Entry]:
    from bench.cards import load_card
    from bench.formats.coco.json_files import categories_of

    return categories_of(load_card("coco-panoptic"))


def _scene(
    generator: np.random.Generator, things: list[int], stuff: list[int]
) -> tuple[shapes.Array, dict[int, int]]:
    canvas = Image.new("I", (SIZE[1], SIZE[0]), 0)
    classes: dict[int, int] = {}
    regions = [
        (int(label), float(generator.uniform(60, 260)))
        for label in generator.choice(stuff, 5, replace=False)
    ]
    regions += [
        (int(label), float(np.exp(generator.uniform(2, 4.8))))
        for label in generator.choice(things, 10)
    ]
    for number, (label, reach) in enumerate(regions, start=1):
        centre = generator.random(2) * (SIZE[1], SIZE[0])
        points = shapes.outline(generator, centre, reach, int(generator.integers(20, 60)))
        shapes.draw(canvas, points, number * STEP)
        classes[number * STEP] = label
    ids = np.asarray(canvas).astype(np.int32)
    return ids, {value: label for value, label in classes.items() if (ids == value).any()}


def _joined(
    generator: np.random.Generator, ids: shapes.Array, classes: dict[int, int]
) -> shapes.Array:
    """The map without a tenth of the segments, and with one segment per stuff class."""
    ids = ids.copy()
    first: dict[int, int] = {}
    for value, label in classes.items():
        if generator.random() < 0.1:
            ids[ids == value] = 0
        elif first.setdefault(label, value) != value and label > 90:
            ids[ids == value] = first[label]
    return ids


def _write(folder: Path, number: int, ids: shapes.Array, classes: dict[int, int]) -> Entry:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{number:012d}.png"
    rgb = np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(np.uint8)
    Image.fromarray(rgb).save(folder / name)
    values, pixels = np.unique(ids[ids > 0], return_counts=True)
    segments = [
        {
            "id": value,
            "category_id": classes[value],
            "iscrowd": 0,
            "area": area,
            "bbox": _box(ids == value),
        }
        for value, area in zip(values.tolist(), pixels.tolist(), strict=True)
    ]
    return {"image_id": number, "file_name": name, "segments_info": segments}


def _box(mask: shapes.Array) -> list[int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    ]
