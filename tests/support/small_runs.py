"""Small real run records for tests of comparisons: blocky truth, and predictions that miss a known
share of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cards, runs
from bench.evaluation import evaluate
from bench.evaluation.jobs import FromReader, Job
from bench.families.contract.rules import Rules
from bench.families.pixels import FAMILY as PIXELS
from bench.masks import encode
from bench.samples import Array, Instances, LabelMap, Sample, Segments, Truth

CARD = """
name = "blocks"
title = "Blocks"
layout = "pairs"
tasks = ["semantic", "instance", "panoptic"]
licence = "none"
cite = "none"
obtain = "none"
groups = "sequence"
splits = { val = {} }
files = { images = "{id}.jpg", labels = "{id}.png", instances = "{id}_objects.png" }
classes = [
    { id = 0, name = "road", train_id = 0 },
    { id = 1, name = "car", train_id = 1, thing = true },
    { id = 2, name = "sky", train_id = 2 },
]
"""
SIDE = 16


def declare_lower_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the metrics of pixels errors, of which lower is better."""
    metrics = tuple(replace(metric, better="lower") for metric in PIXELS.metrics)
    monkeypatch.setattr(type(PIXELS), "metrics", metrics)


def truth_labels(seed: int) -> Array:
    """Blocks of 4 x 4 pixels of one class each."""
    blocks = np.random.default_rng([7, seed]).integers(0, 3, (SIDE // 4, SIDE // 4), dtype=np.uint8)
    return np.kron(blocks, np.ones((4, 4), dtype=np.uint8))


def predicted_labels(seed: int, wrong: float, model: int) -> Array:
    """The truth with about a share `wrong` of its pixels replaced, other pixels for every model."""
    generator = np.random.default_rng([11, seed, model])
    labels = truth_labels(seed)
    share = wrong * generator.uniform(0.5, 1.5)
    return np.where(
        generator.random(labels.shape) < share, generator.integers(0, 3, labels.shape), labels
    ).astype(np.uint8)


def boxes_of(seed: int) -> list[tuple[int, int]]:
    """Corners of the objects of an image: one to three squares of 4 x 4."""
    generator = np.random.default_rng([13, seed])
    return [
        divmod(int(cell), 4)
        for cell in generator.choice(16, size=generator.integers(1, 4), replace=False)
    ]


def instances(corners: Sequence[tuple[float, float]], scores: Array | None = None) -> Instances:
    """Squares of 4 x 4 pixels at these corners (in units of 4 pixels), all of them cars."""
    masks = []
    for row, column in corners:
        mask = np.zeros((SIDE, SIDE), dtype=bool)
        mask[int(4 * row) : int(4 * row) + 4, int(4 * column) : int(4 * column) + 4] = True
        masks.append(encode(mask))
    G = len(masks)
    boxes = np.array(
        [[4 * column, 4 * row, 4, 4] for row, column in corners], dtype=np.float64
    ).reshape(-1, 4)
    return Instances(
        size=(SIDE, SIDE),
        classes=np.ones(G, dtype=np.int64),
        rles=masks,
        scores=scores,
        crowd=np.zeros(G, dtype=bool),
        areas=np.full(G, 16.0),
        boxes=boxes,
    )


def predicted_instances(seed: int, wrong: float, model: int) -> Instances:
    """The objects, some of them missed or moved by a pixel, and false ones, with scores that say a
    little.
    """
    generator = np.random.default_rng([17, seed, model])
    kept = [
        (row + generator.choice([0.0, 0.25], p=[0.7, 0.3]), column)
        for row, column in boxes_of(seed)
        if generator.random() > wrong
    ]
    false = [
        divmod(int(cell), 4)
        for cell in generator.choice(16, size=generator.binomial(2, wrong), replace=False)
    ]
    scores = np.concatenate(
        [generator.uniform(0.3, 1, len(kept)), generator.uniform(0, 0.7, len(false))]
    )
    return instances([*kept, *false], scores)


def segments(labels: Array) -> Segments:
    """One segment for every class that occurs."""
    present = np.unique(labels).astype(np.int64)
    return Segments(
        labels.astype(np.int32) + 1, present + 1, present, np.zeros(len(present), dtype=bool)
    )


def sample(
    seed: int, *, scene: int | None = None, ending: str = "", other_truth: bool = False
) -> Sample:
    """Image number `seed`; `other_truth` changes a pixel."""
    labels = truth_labels(seed)
    if other_truth:
        labels[0, 0] = (labels[0, 0] + 1) % 3
    truth = Truth(
        read_semantic=lambda: LabelMap(labels),
        read_instances=lambda: instances(boxes_of(seed)),
        read_segments=lambda: segments(labels),
    )
    groups = {} if scene is None else {"sequence": f"scene{scene}"}
    return Sample(
        f"image{seed:03}{ending}",
        truth,
        read_image=lambda: np.zeros((SIDE, SIDE, 3), np.uint8),
        groups=groups,
    )


def run(
    out: Path,
    name: str,
    wrong: float,
    *,
    images: int | Sequence[Sample] = 40,
    task: str = "semantic",
    model: int = 0,
    rules: Rules | None = None,
    card: str = CARD,
) -> runs.Run:
    """Evaluate stored predictions of a model that is wrong in about a share `wrong`, and write the
    record.
    """
    samples = [sample(n) for n in range(images)] if isinstance(images, int) else list(images)

    def read(each: Sample) -> Any:
        seed = int(each.id[5:8])
        if task == "instance":
            return predicted_instances(seed, wrong, model)
        labels = predicted_labels(seed, wrong, model)
        return segments(labels) if task == "panoptic" else LabelMap(labels)

    families = {"semantic": ("pixels",), "instance": ("instance",), "panoptic": ("panoptic",)}[task]
    job = Job(
        cards.parse_card(card.encode(), where="test"),
        "val",
        samples,
        name,
        {"kind": "test", "wrong": wrong, "model": model},
        {"device": "none"},
        predictions=FromReader(read),
        rules=rules or Rules(families=families),
        task=task,
    )
    return evaluate(job, out=out)
