"""Predictions made from the ground truth: baselines every model should beat, and a (damaged)
oracle.

Ground truth becomes input only here, and this room knows no models. Each function returns a reader
(sample -> prediction), which gives the same prediction at every call.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from bench import masks
from bench.baselines import damage
from bench.baselines.damage import Form
from bench.cards import Card
from bench.classes import Classes
from bench.errors import UsageError, did_you_mean
from bench.formats import PredictionReader
from bench.samples import Array, Instances, LabelMap, Sample, Segments

# In quotes, because np.random takes a tenth of NumPy's own time to load.
Damage: TypeAlias = "Callable[[Form, Classes, float, np.random.Generator], Form]"
"""Damages a correct prediction by an amount: (prediction, classes, amount, generator) ->
prediction.
"""
BLOCK = 16
"""Side in pixels of the squares that `damaged` paints over."""


def constant(card: Card, samples: Sequence[Sample]) -> PredictionReader:
    """Predict the most frequent class for every pixel; reads the ground truth of all images to find
    it.
    """
    totals = np.zeros(card.classes.ignore + 1, dtype=np.int64)
    for sample in samples:
        totals += np.bincount(sample.truth.semantic().labels.ravel(), minlength=len(totals))
    most_frequent = int(np.argmax(totals[: len(card.classes)]))

    def read(sample: Sample) -> LabelMap:
        labels = sample.truth.semantic().labels
        return LabelMap(np.full_like(labels, most_frequent))

    return read


def shuffled(card: Card, samples: Sequence[Sample]) -> PredictionReader:  # noqa: ARG001 - same signature
    """Predict the ground truth of another image; its void pixels stay unlabelled.

    The assignment is fixed. Images of different sizes are resized to the nearest pixels.

    Raises:
        UsageError: there are fewer than two images.
    """
    if len(samples) < 2:
        raise UsageError(
            "the baseline shuffled needs at least two images: it predicts the ground truth of "
            "another image"
        )
    order = np.random.default_rng(0).permutation(len(samples))
    # Every image takes the next one in a random cycle, so that no image predicts its own ground
    # truth.
    others = {samples[a].id: samples[b] for a, b in zip(order, np.roll(order, -1), strict=True)}

    def read(sample: Sample) -> LabelMap:
        size = sample.truth.semantic().size
        return LabelMap(_resized(others[sample.id].truth.semantic().labels, size))

    return read


def damaged(card: Card, fraction: float) -> PredictionReader:
    """Predict the ground truth with a fraction of its 16 x 16 pixel squares set to random classes.

    The squares and classes of an image depend only on its id.
    """

    def read(sample: Sample) -> LabelMap:
        labels = sample.truth.semantic().labels
        generator = _generator(sample)
        grid = tuple(-(-side // BLOCK) for side in labels.shape)
        hit = generator.random(grid) < fraction
        random_classes = generator.integers(0, len(card.classes), size=grid)
        painted = np.where(_enlarged(hit, labels), _enlarged(random_classes, labels), labels)
        return LabelMap(painted.astype(labels.dtype))

    return read


def oracle(card: Card, task: str) -> Callable[[Sample], Form]:
    """Predict the ground truth: label maps, objects with score 1, or segments; crowds are left
    out.
    """

    def read(sample: Sample) -> Form:
        if task == "semantic":
            return LabelMap(sample.truth.semantic().labels)
        if task == "instance":
            return _objects(sample.truth.instances())
        return _segments(sample.truth.segments(), card)

    return read


DAMAGES: dict[str, tuple[Damage, float]] = {
    "eroded": (damage.eroded, 2),
    "shifted": (damage.shifted, 4),
    "flipped": (damage.flipped, 0.1),
}
"""Damages to the oracle, with their default amounts: pixels, pixels and a fraction."""
WITH_AMOUNT = {"damaged": 0.1, **{name: amount for name, (_, amount) in DAMAGES.items()}}
SEMANTIC = ("constant", "shuffled", "damaged")
"""Baselines that predict only label maps."""
BASELINES = (*SEMANTIC, "oracle", *DAMAGES)
"""Names for `bench eval --predictions baseline:NAME`; those in `WITH_AMOUNT` accept
baseline:NAME=AMOUNT.
"""


def baseline(
    text: str, card: Card, samples: Sequence[Sample], *, task: str = "semantic"
) -> PredictionReader:
    """The reader of a baseline, such as `constant`, `oracle` or `shifted=4`, for a task.

    Raises:
        UsageError: an unknown name, an invalid amount, or a data set or baseline without that task.
    """
    name, _, amount_text = text.partition("=")
    flag = f"--predictions baseline:{text}"
    if name not in BASELINES:
        raise UsageError(f"{flag}: {did_you_mean(name, BASELINES)}")
    if task not in card.tasks:
        tasks = ", ".join(card.tasks)
        raise UsageError(f"{flag}: {card.title} has no {task} ground truth (its tasks: {tasks})")
    if name in SEMANTIC and task != "semantic":
        raise UsageError(
            f"{flag} --task {task}: {name} predicts only label maps; use baseline:oracle instead"
        )
    amount = _amount(name, amount_text, flag)
    if name in DAMAGES:
        return _damaged_oracle(card, task, DAMAGES[name][0], amount)
    readers: dict[str, Callable[[], PredictionReader]] = {
        "constant": lambda: constant(card, samples),
        "shuffled": lambda: shuffled(card, samples),
        "damaged": lambda: damaged(card, amount),
        "oracle": lambda: oracle(card, task),
    }
    return readers[name]()


def _damaged_oracle(card: Card, task: str, damage_form: Damage, amount: float) -> PredictionReader:
    read = oracle(card, task)
    return lambda sample: damage_form(read(sample), card.classes, amount, _generator(sample))


def _amount(name: str, text: str, flag: str) -> float:
    if name not in WITH_AMOUNT:
        if text:
            raise UsageError(f"{flag}: {name} does not take an amount; {', '.join(WITH_AMOUNT)} do")
        return 0.0
    try:
        amount = float(text) if text else float(WITH_AMOUNT[name])
    except ValueError:
        amount = math.nan
    if name in ("damaged", "flipped"):
        valid = 0 <= amount <= 1
        expected = "a fraction from 0 to 1"
    else:
        valid = 0 <= amount <= 1000 and amount.is_integer()
        expected = "whole pixels from 0 to 1000"
    if not valid:
        example = f"{name}={WITH_AMOUNT[name]:g}"
        raise UsageError(f"{flag}: the amount must be {expected}, such as {example}")
    return amount


def _generator(sample: Sample) -> np.random.Generator:
    """A random generator seeded by the id of the image alone."""
    seed = hashlib.blake2b(sample.id.encode("utf-8"), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(seed, "little"))


def _objects(truth: Instances) -> Instances:
    """The objects of the ground truth as detections, without crowds and empty masks."""
    kept = np.flatnonzero(~truth.crowd & (np.asarray(truth.areas) > 0))
    rles = [truth.rles[index] for index in kept.tolist()]
    return Instances(
        size=truth.size,
        classes=truth.classes[kept],
        rles=rles,
        areas=masks.areas(rles),
        boxes=truth.boxes[kept],
        scores=np.ones(len(kept)),
    )


def _segments(truth: Segments, card: Card) -> Segments:
    """The segments of the ground truth as predictions, without crowds and unknown classes."""
    kept = ~truth.crowd & (truth.classes >= 0) & (truth.classes < len(card.classes))
    ids = np.where(np.isin(truth.ids, truth.segment_ids[kept]), truth.ids, 0)
    return Segments(ids, truth.segment_ids[kept], truth.classes[kept], truth.crowd[kept])


def _resized(labels: Array, size: tuple[int, int]) -> Array:
    """Labels resized to (height, width) by nearest pixels."""
    if labels.shape == size:
        return labels
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, labels.shape, strict=True))
    return np.ascontiguousarray(labels[np.ix_(rows, columns)])


def _enlarged(grid: Array, labels: Array) -> Array:
    """A value per square, repeated for every pixel of the square, at the size of `labels`."""
    height, width = labels.shape
    return grid.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[:height, :width]
