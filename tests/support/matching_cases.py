"""Small data sets for tests of which prediction belongs to which image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bench import images
from bench.cards import Card, parse_card

Entry = dict[str, Any]
CLASSES = [(1, "cat"), (2, "dog")]
H, W = 12, 16

CARD = """
name = "mine"
title = "Mine"
layout = "{layout}"
tasks = ["{task}"]
licence = "own"
cite = "own"
obtain = "own"
{classes}
[splits.val]
[splits.train]
"""
LABELS = """classes = [
    {{ id = 0, train_id = 0, name = "ground" }},
    {{ id = 1, train_id = 1, name = "tree", thing = true }},
]
{files}"""


def card_text(
    layout: str, task: str, *, images: str = "img/{id}.jpg", labels: str = "lab/{split}/{id}.png"
) -> str:
    """A card; of layouts of COCO the classes are the truth's."""
    if layout == "coco":
        return CARD.format(layout=layout, task=task, classes='classes_from = "truth"')
    objects = "" if task == "semantic" else 'instances = "obj/{split}/{id}.png"\n'
    files = (
        f'[files]\nimages = "{images}"\nlabels = "{labels}"\n{objects}' if layout == "pairs" else ""
    )
    return CARD.format(layout=layout, task=task, classes=LABELS.format(files=files))


def parks() -> Card:
    """A card in the layout coco whose classes are those of `write_panoptic`."""
    classes = """classes = [
        { id = 1, train_id = 0, name = "cat", thing = true },
        { id = 2, train_id = 1, name = "grass" },
    ]"""
    return parse_card(
        CARD.format(layout="coco", task="panoptic", classes=classes).encode(), where="test"
    )


def card(layout: str, task: str, **files: str) -> Card:
    """The card of this text."""
    return parse_card(card_text(layout, task, **files).encode(), where="test")


def labels(seed: int) -> np.ndarray[Any, Any]:
    """A label map that no other seed has."""
    return np.random.default_rng(seed).integers(0, 2, (H, W)).astype(np.uint8)


def write_labels(root: Path, names: list[str], pattern: str = "{}.png") -> None:
    """Write the label map of every name, n that of seed n."""
    for seed, name in enumerate(names):
        images.write_labels(root / pattern.format(name), labels(seed))


def truth_of(names: list[str], numbers: list[Any]) -> Entry:
    """A COCO truth with one object in each image, at another place in each."""
    return {
        "images": [
            {"id": n, "file_name": name, "height": H, "width": W}
            for name, n in zip(names, numbers, strict=True)
        ],
        "annotations": [
            {"id": k + 1, "image_id": n, "category_id": 1, "iscrowd": 0, "area": 16, "bbox": box(k)}
            | {"segmentation": polygon(k)}
            for k, n in enumerate(numbers)
        ],
        "categories": [{"id": n, "name": name} for n, name in CLASSES],
    }


def box(place: int) -> list[float]:
    """The box of the object of the image at this place."""
    return [float(place % 12), float(place % 7), 4.0, 4.0]


def polygon(place: int) -> list[list[float]]:
    """Its mask."""
    x, y, width, height = box(place)
    return [[x, y, x + width, y, x + width, y + height, x, y + height]]


def rle(place: int) -> Entry:
    """Its mask as run lengths, column by column."""
    x, y, width, height = map(int, box(place))
    mask = np.zeros((H, W), dtype=np.uint8)
    mask[y : y + height, x : x + width] = 1
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [flat[-1] ^ 1]])))
    return {"size": [H, W], "counts": np.diff(np.concatenate([[0], edges])).tolist()}


def results_of(ids: list[Any], names: list[str] | None = None) -> list[Entry]:
    """Perfect results, the k-th of image k, with these ids and names of pictures."""
    found = [
        {"image_id": told, "category_id": 1, "segmentation": rle(k), "score": 0.5 + k / 100}
        for k, told in enumerate(ids)
    ]
    return (
        found
        if names is None
        else [each | {"file_name": name} for each, name in zip(found, names, strict=True)]
    )


def write_json(path: Path, content: Any) -> Path:
    """Write a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_panoptic(root: Path, entries: list[tuple[Any, str, int]], *, truth: bool = False) -> Path:
    """Write panoptic.json with (image id, map's name, seed) each, and the maps; a truth lists
    pictures `<stem>.jpg`.
    """
    rows = []
    for number, name, seed in entries:
        ids = np.where(labels(seed) == 1, 7, 9).astype(np.int32)
        images.write_panoptic_ids(root / "panoptic" / name.replace("\\", "/"), ids)
        segments = [{"id": 7, "category_id": 1, "iscrowd": 0, "area": int((ids == 7).sum())}]
        segments.append({"id": 9, "category_id": 2, "iscrowd": 0, "area": int((ids == 9).sum())})
        rows.append({"image_id": number, "file_name": name, "segments_info": segments})
    content: Entry = {"annotations": rows}
    if truth:
        content["categories"] = [
            {"id": 1, "name": "cat", "isthing": 1},
            {"id": 2, "name": "grass", "isthing": 0},
        ]
        content["images"] = [
            {"id": number, "file_name": name.replace(".png", ".jpg"), "height": H, "width": W}
            for number, name, _ in entries
        ]
    return write_json(root / "panoptic.json", content)
