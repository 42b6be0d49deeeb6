"""A small data set of two drives that lies on disk, with predictions of every task in memory and on
disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench import inputs
from bench.formats import layout
from bench.opening import open_data
from bench.samples import Sample

CARD = """
name = "drives"
title = "Drives"
layout = "pairs"
tasks = ["semantic", "instance", "panoptic"]
groups = "sequence-blocks"
licence = "none"
cite = "none"
obtain = "none"
splits = { val = {} }
files = { images = "images/{id}.png", labels = "labels/{id}.png", instances = "objects/{id}.png" }
classes = [
    { id = 3, train_id = 0, name = "road" },
    { id = 7, train_id = 1, name = "car", thing = true },
    { id = 9, train_id = 2, name = "person", thing = true },
    { id = 1, name = "own car" },
]
"""
IDS = np.array([3, 7, 9])
"""Of the classes, by train id."""
SIZE = (20, 30)
TASKS = ("semantic", "instance", "panoptic")


@dataclass(frozen=True)
class Drives:
    """The card, where the data lie, the samples, and by task and image what is predicted."""

    card: str
    root: Path
    samples: list[Sample]
    predicted: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {task: {} for task in TASKS}
    )

    def model(self, task: str) -> Callable[[Any], Any]:
        """A function that knows each picture."""
        known = {
            sample.image().tobytes(): self.predicted[task][sample.id] for sample in self.samples
        }
        return lambda image: known[image.tobytes()]

    def stored(self, task: str) -> Path:
        """Where the predictions lie, in the form that the command reads."""
        return self.root.parent / f"predicted-{task}"

    def ids(self, labels: Any) -> Any:
        """Train ids as the ids of label files, with the own car for no class."""
        return np.append(IDS, [1] * 253)[labels].astype(np.uint8)

    def truth(self, task: str, sample: Sample) -> Any:
        """What a loop has of an image: arrays alone."""
        if task == "semantic":
            return sample.truth.semantic().labels
        if task == "panoptic":
            found = sample.truth.segments()
            rows = zip(
                found.segment_ids.tolist(),
                found.classes.tolist(),
                found.crowd.tolist(),
                strict=True,
            )
            listed = [
                {"id": number, "class": train_id, "iscrowd": crowd}
                for number, train_id, crowd in rows
            ]
            return {"ids": found.ids, "segments": listed}
        objects = sample.truth.instances()
        return {"masks": objects.rles, "labels": objects.classes, "iscrowd": objects.crowd}


def write(base: Path) -> Drives:
    """Write the data set and its predictions below a folder."""
    rng, root = np.random.default_rng(3), base / "data"
    card = base / "drives.toml"
    card.write_text(CARD)
    for sequence, many in (("alpha", 26), ("beta", 9)):
        for frame in range(many):
            _write(root, f"{sequence}_{frame:04d}", rng)
    opened = open_data(str(card), root=root)
    drives = Drives(str(card), root, list(opened.samples))
    for sample in drives.samples:
        _predict(drives, sample, rng)
    for task, found in drives.predicted.items():
        pairs = [
            (
                sample,
                inputs.prediction(found[sample.id], task, opened.card.classes, where=sample.id),
            )
            for sample in drives.samples
        ]
        layout(opened.card).write_predictions(opened.card, drives.stored(task), task, pairs)
    return drives


def _write(root: Path, name: str, rng: np.random.Generator) -> None:
    """A road with some void, and boxes of cars and persons on it."""
    labels, objects = np.full(SIZE, 3, dtype=np.uint8), np.zeros(SIZE, dtype=np.uint8)
    labels[:2], labels[-1] = 255, 1
    for number in range(1, int(rng.integers(2, 5))):
        top, left = int(rng.integers(2, 14)), 9 * (number - 1) + int(rng.integers(0, 3))
        window = (slice(top, top + 5), slice(left, left + 6))
        labels[window], objects[window] = rng.choice([7, 9]), number
    for folder, array in (("labels", labels), ("objects", objects)):
        (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(root / folder / f"{name}.png")
    (root / "images").mkdir(exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)).save(
        root / "images" / f"{name}.png"
    )


def _predict(drives: Drives, sample: Sample, rng: np.random.Generator) -> None:
    """The truth, moved by some pixels, with a class that is wrong now and then."""
    labels = sample.truth.semantic().labels
    moved = np.roll(np.where(labels == 255, 0, labels), int(rng.integers(0, 3)), axis=1)
    found = np.where(rng.random(SIZE) < 0.9, moved, 0).astype(np.uint8)
    found[-3:, :4] = 255  # the own car, which is not scored
    drives.predicted["semantic"][sample.id] = found
    objects = sample.truth.instances()
    there = [rle for rle, crowd in zip(objects.rles, objects.crowd, strict=True) if not crowd]
    planes = [
        np.roll(inputs.arrays.array(_plane(rle)), int(rng.integers(0, 3)), axis=1) for rle in there
    ]
    classes = [
        int(c) if rng.random() < 0.8 else 3 - int(c) for c in objects.classes[~objects.crowd]
    ]
    drives.predicted["instance"][sample.id] = {
        "masks": np.stack(planes),
        "labels": np.array(classes),
        "scores": rng.random(len(planes)).round(3),
    }
    ids = np.full(SIZE, 1)
    for number, plane in enumerate(planes, start=2):
        ids[plane] = number
    listed = {
        1: 0,
        **{
            number: train_id
            for number, train_id in enumerate(classes, start=2)
            if (ids == number).any()
        },
    }
    drives.predicted["panoptic"][sample.id] = {"ids": ids, "segments": listed}


def _plane(rle: Any) -> Any:
    from bench import masks

    return masks.decode(rle)
