"""Simulated populations of images with the counts of two models, as tables of the families; the
true scores are known.

Images come in scenes of four that share classes, sizes and difficulty; images drawn one by one are
independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.classes import Class, Classes
from bench.metrics import instance
from bench.samples.columns import DetectionColumns, TruthColumns

Array = np.ndarray[Any, Any]
Tables = dict[str, Any]
SCENE = 4
C = 8
CLASSES = Classes(tuple(Class(c, f"class {c}", c, thing=c >= 4) for c in range(C)))
PRESENCE = np.array([0.95, 0.9, 0.7, 0.6, 0.4, 0.3, 0.15, 0.08])
"""How often each class occurs: rare classes dominate the interval of a mean over classes."""


@dataclass(frozen=True)
class Population:
    """Two models on M images in scenes of four: both tables, their family and their score."""

    family: str
    metric: str
    first: Tables
    second: Tables
    images: int


def _shared(random: np.random.Generator, images: int) -> tuple[Array, Array]:
    """The classes of each image (M, C), and its difficulty (M, 1), which depends on its scene."""
    scene = np.arange(images) // SCENE
    of_image = random.random((images, C)) < PRESENCE
    of_scene = (random.random((images, C)) < PRESENCE)[scene]
    present = np.where(random.random((images, C)) < 0.6, of_scene, of_image)
    present[:, 0] |= ~present.any(axis=1)
    hard = random.normal(0, 0.6, images)[scene] + random.normal(0, 0.5, images)
    return present, hard[:, None]


def _chance(logit: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-logit)))


def semantic(seed: int, images: int = 3000, *, equal: bool = False) -> Population:
    """Pixels: the second model has more errors or, if `equal`, errors in other classes and equal
    mIoU.
    """
    random = np.random.default_rng(seed)
    present, hard = _shared(random, images)
    sizes = np.where(present, np.exp(random.normal(6, 1, (images, C))), 0).astype(np.int64)
    noise, seeds = random.normal(0, 0.4, (2, images, C)), random.integers(0, 2**31, 2)
    level = np.linspace(-2.6, -0.8, C)
    tilt = np.where(np.arange(C) % 2, 0.5, -0.5) if equal else np.zeros(C)

    def model(which: int, shift: float) -> Tables:
        wrong = _chance(level + (tilt if which else 0) + shift + hard + noise[which])
        return _pixels(np.random.default_rng(seeds[which]), sizes, wrong)

    first = model(0, 0.0)
    if not equal:
        return Population("pixels", "mIoU", first, model(1, 0.15), images)
    low, high, goal = -1.0, 1.0, _mean_iou(first)
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (middle, high) if _mean_iou(model(1, middle)) > goal else (low, middle)
    return Population("pixels", "mIoU", first, model(1, (low + high) / 2), images)


def _pixels(random: np.random.Generator, sizes: Array, wrong: Array) -> Tables:
    images = len(sizes)
    missed = random.binomial(sizes, wrong)
    joint = np.zeros((images, C, C), dtype=np.int64)
    share = (sizes > 0) * random.gamma(0.7, size=sizes.shape) + 1e-9
    for c in range(C):
        others = np.where(np.arange(C) == c, 0, share)
        joint[:, c] = random.multinomial(missed[:, c], others / others.sum(axis=1, keepdims=True))
        joint[:, c, c] = (sizes - missed)[:, c]
    image, truth, predicted = np.nonzero(joint)
    columns = {
        "image": image,
        "region": np.zeros(len(image)),
        "truth": truth,
        "predicted": predicted,
    }
    pixels = joint[image, truth, predicted]
    return {
        "pixels": {
            **{name: np.asarray(v, dtype=np.int32) for name, v in columns.items()},
            "pixels": pixels,
        }
    }


def _mean_iou(tables: Tables) -> float:
    t = tables["pixels"]
    joint = np.bincount(
        t["truth"] * C + t["predicted"], weights=t["pixels"], minlength=C * C
    ).reshape(C, C)
    hits = np.diag(joint)
    return float((hits / (joint.sum(axis=0) + joint.sum(axis=1) - hits)).mean())


def panoptic(seed: int, images: int = 3000, *, equal: bool = False) -> Population:
    """Segments; equal models are one model trained twice, exchanged in half of the images."""
    random = np.random.default_rng(seed)
    present, hard = _shared(random, images)
    objects = np.where(present, 1 + random.poisson(1.5, (images, C)) * CLASSES.things, 0)
    level, both = np.linspace(-2.0, -0.6, C), []
    for shift in (0.0, 0.0 if equal else 0.2):
        wrong = _chance(level + shift + hard + random.normal(0, 0.4, (images, C)))
        tp = random.binomial(objects, 1 - wrong)
        quality = 0.5 + 0.5 * random.beta(6 * (1 - wrong) + 0.5, 6 * wrong + 0.5)
        fp = random.poisson(0.8 * wrong * present)
        image, label = np.nonzero((objects > 0) | (fp > 0))
        table = {"image": image.astype(np.int32), "class": label.astype(np.int16)}
        counts = {"iou_sum": tp * quality, "tp": tp, "fp": fp, "fn": objects - tp}
        segments = {**table, **{name: value[image, label] for name, value in counts.items()}}
        both.append(
            {"segments": segments, "truth_segments": {"image": np.zeros(0, dtype=np.int32)}}
        )
    return (
        _mirrored("panoptic", "PQ", both, images)
        if equal
        else Population("panoptic", "PQ", *both, images)
    )


def boxes(seed: int, images: int = 1500, *, equal: bool = False) -> Population:
    """Boxes and detections; two equal models as in `panoptic`."""
    random = np.random.default_rng(seed)
    present, hard = _shared(random, images)
    objects = np.where(present, 1 + random.poisson(0.7, (images, C)), 0)[:, :3]
    image, label = (np.repeat(axis, objects[np.nonzero(objects)]) for axis in np.nonzero(objects))
    G = len(image)
    corners = np.column_stack(
        [random.uniform(0, 500, (G, 2)), np.exp(random.normal(4, 0.6, (G, 2)))]
    )
    truth = TruthColumns(
        images,
        image.astype(np.int32),
        label.astype(np.int32),
        corners,
        corners[:, 2] * corners[:, 3],
        np.zeros(G, bool),
    )
    both = []
    for shift in (0.0, 0.0 if equal else 0.25):
        wrong = _chance(-1.2 + shift + hard[image, 0] + random.normal(0, 0.4, G))
        detected = np.flatnonzero(random.random(G) > wrong)
        moved = (
            corners[detected]
            + random.normal(0, 1, (len(detected), 4)) * (0.04 + 0.2 * wrong[detected, None]) * 40
        )
        false = random.integers(0, images, images)
        made = np.column_stack(
            [random.uniform(0, 500, (images, 2)), np.exp(random.normal(4, 0.6, (images, 2)))]
        )
        scores = np.concatenate(
            [random.normal(1.2 - wrong[detected], 0.8), random.normal(0, 0.8, images)]
        )
        image_of_guess = np.concatenate([image[detected], false]).astype(np.int32)
        labels = np.concatenate([label[detected], random.integers(0, 3, images)]).astype(np.int32)
        guesses = DetectionColumns(
            images, image_of_guess, labels, scores, np.concatenate([np.maximum(moved, 1), made])
        )
        both.append(instance.count(truth, guesses, kinds=("box",)))
    return (
        _mirrored("boxes", "AP", both, images)
        if equal
        else Population("boxes", "AP", *both, images)
    )


def _mirrored(family: str, metric: str, both: list[Tables], images: int) -> Population:
    """The images twice, with the models exchanged in the second half: their scores are exactly
    equal.
    """
    halves = []
    for first, second in (both, both[::-1]):
        tables = {}
        for name in first:
            turned = {**second[name], "image": second[name]["image"] + np.int32(images)}
            tables[name] = {
                key: np.concatenate([first[name][key], turned[key]]) for key in first[name]
            }
        halves.append(tables)
    return Population(family, metric, halves[0], halves[1], 2 * images)


MAKERS = {"mIoU": semantic, "PQ": panoptic, "AP": boxes}
