"""Prompts for promptable models, drawn from the truth by a stated rule: points as a person would click, or boxes.

The first point of an object is its deepest pixel: the one farthest from anything outside the object, the frame of the
image included. Each further point is the deepest pixel of what is wrong with the answer so far: of the missed part, or
of the part that is too much, whichever is deeper (the missed one where they are equal). Of equally deep pixels the
first by rows is taken. A box is the tight box of the object. This module knows no models: it is handed a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from bench import masks
from bench.samples import Array, Image, Prediction, PromptedMasks, Prompts, Rle, Sample

Kind = Literal["points", "boxes"]
Predict = Callable[[Sequence[Image], Sequence[Prompts]], Sequence[Sequence[Rle]]]
"""From images and the prompts of each to a mask for each object."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked of one image: its objects, as masks of the truth, and the first prompts.

    `places` (G,) are their places among the truth's objects: regions of many objects and empty ones are not asked for.
    """

    places: Array
    truth: Sequence[Rle]
    prompts: Prompts


Question = tuple[Image, Asked | None]
"""An image, and what is asked of it beside the image."""


def asked(sample: Sample, kind: Kind) -> Asked:
    """The objects of one image and the first prompt of each.

    Raises:
        DataError: the data set has no instances.
    """
    truth = sample.truth.instances()
    places = np.flatnonzero(~truth.crowd & (masks.areas(truth.rles) > 0))
    rles = [truth.rles[place] for place in places.tolist()]
    return Asked(places, rles, first(rles, kind))


def question(model: Any, sample: Sample) -> Question:
    """What a model is asked of one image: the image, and its objects where the model is one to be pointed at them.

    Raises:
        DataError: the data set has no images, or no instances where they are needed.
    """
    return sample.image(), asked(sample, model.prompt) if getattr(model, "prompted", False) else None


def predict(model: Any, questions: Sequence[Question]) -> Sequence[Prediction]:
    """The predictions of a model for a batch of images; a promptable one is asked as often as its `prompts` says."""
    images = [image for image, _ in questions]
    batch = [objects for _, objects in questions if objects is not None]
    if len(batch) < len(images):
        return cast("Sequence[Prediction]", model.predict(images))
    return answers(model.predict, images, batch, model.prompts)


def first(truth: Sequence[Rle], kind: Kind) -> Prompts:
    """The first prompt of each object, G of them."""
    if kind == "boxes":
        none = np.zeros((len(truth), 0))
        return Prompts(none.reshape(len(truth), 0, 2), none.astype(bool), masks.boxes(truth))
    deepest = [deepest_pixel(masks.decode(rle)) for rle in truth]
    points = np.array([(x, y) for x, y, _ in deepest], dtype=np.float64).reshape(-1, 1, 2)
    return Prompts(points, np.ones((len(truth), 1), dtype=bool))


def answers(ask: Predict, images: Sequence[Image], batch: Sequence[Asked], count: int) -> list[PromptedMasks]:
    """Ask for the objects of a batch of images with 1, 2, ... `count` prompts each.

    An object without any error keeps its mask, and its first point is given again to keep the numbers equal.
    """
    prompts = [each.prompts for each in batch]
    done = [[False] * len(each.truth) for each in batch]
    rounds: list[list[list[Rle]]] = []
    for number in range(count):
        found = [list(each) for each in ask(images, prompts)]
        if rounds:
            found = [_kept(*each) for each in zip(rounds[-1], found, done, strict=True)]
        rounds.append(found)
        if number + 1 < count:
            pairs = [corrected(p, a.truth, f) for p, a, f in zip(prompts, batch, found, strict=True)]
            prompts, done = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return [
        PromptedMasks(each.places, [masks_of[position] for masks_of in rounds]) for position, each in enumerate(batch)
    ]


def _kept(before: list[Rle], after: list[Rle], done: list[bool]) -> list[Rle]:
    return [old if right else new for old, new, right in zip(before, after, done, strict=True)]


def corrected(prompts: Prompts, truth: Sequence[Rle], found: Sequence[Rle]) -> tuple[Prompts, list[bool]]:
    """The prompts with one more point for each object where its mask is wrong, and which objects have no error."""
    points, inside, done = [], [], []
    for position, (true, mask) in enumerate(zip(truth, found, strict=True)):
        point = correction(masks.decode(true), masks.decode(mask))
        done.append(point is None)
        x, y = prompts.points[position, 0] if point is None else point[:2]
        points.append((x, y))
        inside.append(point is None or point[2])
    more = np.array(points, dtype=np.float64).reshape(-1, 1, 2)
    said = np.array(inside, dtype=bool).reshape(-1, 1)
    return Prompts(np.concatenate([prompts.points, more], 1), np.concatenate([prompts.inside, said], 1)), done


def correction(truth: Array, found: Array) -> tuple[int, int, bool] | None:
    """Where a person would click next, x and y, and whether it lies inside the object; None where nothing is wrong.

    >>> truth, found = np.array([[1, 1, 0, 0]] * 3, bool), np.array([[1, 0, 0, 0]] * 3, bool)
    >>> correction(truth, found)
    (1, 0, True)
    """
    missed, extra = truth & ~found, found & ~truth
    regions = [(deepest_pixel(region), side) for region, side in ((missed, True), (extra, False)) if region.any()]
    if not regions:
        return None
    (x, y, _), side = max(regions, key=lambda region: region[0][2])  # the first of equal ones: what is missed
    return x, y, side


def deepest_pixel(mask: Array) -> tuple[int, int, float]:
    """The pixel of a mask, (H, W) bool and not empty, that is farthest from the outside: x, y and the distance.

    >>> deepest_pixel(np.array([[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]], bool))
    (2, 1, 2.0)
    """
    from scipy import ndimage

    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, left = int(rows[0]), int(columns[0])
    # Outside the tight box nothing is inside, so a frame of one pixel around it is all that distances need.
    framed = np.pad(mask[top : rows[-1] + 1, left : columns[-1] + 1], 1)
    depth = ndimage.distance_transform_edt(framed)
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return left + int(x) - 1, top + int(y) - 1, float(depth[y, x])
