"""How models are asked: with an image alone, or with prompts drawn from the ground truth by a fixed
rule.

Prompts are points, as a user would click, or boxes. The first point of an object is its deepest
pixel: the one that is farthest from anything outside the object, where the border of the image
counts as outside. Each further point is the deepest pixel of the error of the mask so far: of the
missed part or of the part that is too much, whichever is deeper (the missed part if both are
equally deep). Of equally deep pixels the first in row order is taken. A box is the tight box of the
object.

This is one of the two places where ground truth becomes input (the other is `baselines`). It knows
no adapter: it calls `predict` of whatever model it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from bench import masks
from bench.errors import PredictionError
from bench.notices import many
from bench.samples import Array, Image, Prediction, PromptedMasks, Prompts, Rle, Sample

PromptKind: TypeAlias = Literal["points", "boxes"]
Predict: TypeAlias = Callable[[Sequence[Image], Sequence[Prompts]], Sequence[Sequence[Rle]]]
"""From images and the prompts of each to one mask per object."""


@dataclass(frozen=True, eq=False)
class Targets:
    """The objects of one image for which masks are requested: their true masks and the first
    prompts.

    `indices` (G,) are their positions among the objects of the ground truth: regions of many
    objects (crowds) and empty objects are left out.
    """

    indices: Array
    truth: Sequence[Rle]
    prompts: Prompts


Question: TypeAlias = tuple[Image, Targets | None]
"""An image, and the objects whose masks are requested; None for a model without prompts."""


def targets_of(sample: Sample, kind: PromptKind) -> Targets:
    """The objects of one image and the first prompt of each.

    Raises:
        DataError: the data set has no instances.
    """
    truth = sample.truth.instances()
    indices = np.flatnonzero(~truth.crowd & (masks.areas(truth.rles) > 0))
    rles = [truth.rles[index] for index in indices.tolist()]
    return Targets(indices, rles, first_prompts(rles, kind))


def question(model: Any, sample: Sample) -> Question:
    """The input of a model for one image: the image, and for a promptable model the prompts.

    Raises:
        DataError: the data set has no images, or no instances although they are needed.
    """
    prompted = getattr(model, "prompted", False)
    return sample.image(), targets_of(sample, model.prompt) if prompted else None


def predict(model: Any, questions: Sequence[Question]) -> Sequence[Prediction]:
    """The predictions of a model for a batch; a promptable model gets up to `model.prompts`
    rounds.
    """
    images = [image for image, _ in questions]
    batch = [objects for _, objects in questions if objects is not None]
    if len(batch) < len(images):
        return cast("Sequence[Prediction]", model.predict(images))
    return prompted_masks(model.predict, images, batch, model.prompts)


def first_prompts(truth: Sequence[Rle], kind: PromptKind) -> Prompts:
    """The first prompt of each of G objects."""
    if kind == "boxes":
        none = np.zeros((len(truth), 0))
        return Prompts(none.reshape(len(truth), 0, 2), none.astype(bool), masks.boxes(truth))
    deepest = [deepest_pixel(masks.decode(rle)) for rle in truth]
    points = np.array([(x, y) for x, y, _ in deepest], dtype=np.float64).reshape(-1, 1, 2)
    return Prompts(points, np.ones((len(truth), 1), dtype=bool))


def prompted_masks(
    predict: Predict, images: Sequence[Image], batch: Sequence[Targets], count: int
) -> list[PromptedMasks]:
    """Request the masks of the objects of a batch of images with 1, 2, ... `count` prompts each.

    An object whose mask has no error keeps it. Its first point is repeated in further rounds,
    because a model takes the same number of points for all objects of an image.

    Raises:
        PredictionError: the model returned too few or too many masks.
    """
    prompts = [targets.prompts for targets in batch]
    finished = [[False] * len(targets.truth) for targets in batch]
    rounds: list[list[list[Rle]]] = []
    for number in range(count):
        answers = predict(images, prompts)
        _require_masks(answers, batch)
        current = [list(answer) for answer in answers]
        if rounds:
            current = [_kept(*each) for each in zip(rounds[-1], current, finished, strict=True)]
        rounds.append(current)
        if number + 1 < count:
            pairs = [
                corrected(prompt, targets.truth, answer)
                for prompt, targets, answer in zip(prompts, batch, current, strict=True)
            ]
            prompts, finished = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return [
        PromptedMasks(targets.indices, [masks_of[position] for masks_of in rounds])
        for position, targets in enumerate(batch)
    ]


def _require_masks(answers: Sequence[Sequence[Rle]], batch: Sequence[Targets]) -> None:
    if len(answers) != len(batch):
        raise PredictionError(
            f"the model returned masks of {many(len(answers), 'image')} for a batch of "
            f"{many(len(batch), 'image')}; it must return a list of masks per image"
        )
    for answer, targets in zip(answers, batch, strict=True):
        if len(answer) != len(targets.truth):
            raise PredictionError(
                f"the model returned {many(len(answer), 'mask')} for the prompts of "
                f"{many(len(targets.truth), 'object')}; it must return one per object"
            )


def _kept(before: list[Rle], after: list[Rle], finished: list[bool]) -> list[Rle]:
    pairs = zip(before, after, finished, strict=True)
    return [old if done else new for old, new, done in pairs]


def corrected(
    prompts: Prompts, truth: Sequence[Rle], predicted: Sequence[Rle]
) -> tuple[Prompts, list[bool]]:
    """The prompts with one more point per object, at the error of its mask, and which have no
    error.
    """
    points, inside, finished = [], [], []
    for position, (true, mask) in enumerate(zip(truth, predicted, strict=True)):
        point = correction(masks.decode(true), masks.decode(mask))
        finished.append(point is None)
        x, y = prompts.points[position, 0] if point is None else point[:2]
        points.append((x, y))
        inside.append(point is None or point[2])
    more = np.array(points, dtype=np.float64).reshape(-1, 1, 2)
    sides = np.array(inside, dtype=bool).reshape(-1, 1)
    return (
        Prompts(
            np.concatenate([prompts.points, more], axis=1),
            np.concatenate([prompts.inside, sides], axis=1),
        ),
        finished,
    )


def correction(truth: Array, predicted: Array) -> tuple[int, int, bool] | None:
    """Where a user would click next: x, y, and whether it is inside the object; None without an
    error.

    >>> truth, predicted = np.array([[1, 1, 0, 0]] * 3, bool), np.array([[1, 0, 0, 0]] * 3, bool)
    >>> correction(truth, predicted)
    (1, 0, True)
    """
    parts = ((truth & ~predicted, True), (predicted & ~truth, False))
    regions = [(deepest_pixel(region), inside) for region, inside in parts if region.any()]
    if not regions:
        return None
    # Of equally deep regions, `max` takes the first: the missed part.
    (x, y, _), inside = max(regions, key=lambda region: region[0][2])
    return x, y, inside


def deepest_pixel(mask: Array) -> tuple[int, int, float]:
    """The pixel of a mask, (H, W) bool and not empty, that is farthest from the outside: x, y,
    distance.

    >>> deepest_pixel(np.array([[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]], bool))
    (2, 1, 2.0)
    """
    from scipy import ndimage

    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, left = int(rows[0]), int(columns[0])
    # Everything outside the tight box is outside the object, so distances within the box and a
    # border of one pixel around it are those of the whole image.
    framed = np.pad(mask[top : rows[-1] + 1, left : columns[-1] + 1], 1)
    depth = ndimage.distance_transform_edt(framed)
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return left + int(x) - 1, top + int(y) - 1, float(depth[y, x])
