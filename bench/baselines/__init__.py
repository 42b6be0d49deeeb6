"""Predictions made from the truth: what every model should beat, and an oracle that is right or damaged by so much.

This is the only place where truth becomes input; it knows no models. Each function returns a reader: sample ->
prediction, the same at every call.
"""

from __future__ import annotations

import hashlib
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
"""From what is right to what is wrong by an amount."""
BLOCK = 16
"""Side in pixels of the squares that `damaged` paints over."""


def constant(card: Card, samples: Sequence[Sample]) -> PredictionReader:
    """Answer every image with the one class that covers most pixels of all images; their truth is read for it."""
    totals = np.zeros(card.classes.ignore + 1, dtype=np.int64)
    for sample in samples:
        totals += np.bincount(sample.truth.semantic().labels.ravel(), minlength=len(totals))
    most = int(np.argmax(totals[: len(card.classes)]))

    def read(sample: Sample) -> LabelMap:
        labels = sample.truth.semantic().labels
        return LabelMap(np.full_like(labels, most))

    return read


def shuffled(card: Card, samples: Sequence[Sample]) -> PredictionReader:  # noqa: ARG001 - asked like the others
    """Answer every image with the truth of another one, the same at every call; void of that one is no label.

    Where sizes differ the nearest pixels are taken.

    Raises:
        UsageError: a single image has no other.
    """
    if len(samples) < 2:
        raise UsageError("the baseline shuffled needs at least two images: each is answered with another one's truth")
    order = np.random.default_rng(0).permutation(len(samples))
    # Each takes the next one's in a single round, so that nobody gets their own.
    others = {samples[a].id: samples[b] for a, b in zip(order, np.roll(order, -1), strict=True)}

    def read(sample: Sample) -> LabelMap:
        size = sample.truth.semantic().size
        return LabelMap(_fitted(others[sample.id].truth.semantic().labels, size))

    return read


def damaged(card: Card, share: float) -> PredictionReader:
    """Answer with the truth, in which a share of squares of 16 x 16 pixels holds a class drawn by chance.

    The squares and classes of an image depend on its id alone.
    """

    def read(sample: Sample) -> LabelMap:
        labels = sample.truth.semantic().labels
        generator = _generator(sample)
        grid = tuple(-(-side // BLOCK) for side in labels.shape)
        hit = generator.random(grid) < share
        drawn = generator.integers(0, len(card.classes), size=grid)
        painted = np.where(_blown_up(hit, labels), _blown_up(drawn, labels), labels)
        return LabelMap(painted.astype(labels.dtype))

    return read


def oracle(card: Card, task: str) -> Callable[[Sample], Form]:
    """Answer with the truth: label maps as they are, objects with a score of 1, segments; crowds are not predicted."""

    def read(sample: Sample) -> Form:
        if task == "semantic":
            return LabelMap(sample.truth.semantic().labels)
        return _objects(sample.truth.instances()) if task == "instance" else _segments(sample.truth.segments(), card)

    return read


DAMAGES: dict[str, tuple[Damage, float]] = {
    "eroded": (damage.eroded, 2),
    "shifted": (damage.shifted, 4),
    "flipped": (damage.flipped, 0.1),
}
"""Damages to the oracle, each with the amount that is taken where nobody says: pixels, pixels, a share."""
WITH_AMOUNT = {"damaged": 0.1, **{name: amount for name, (_, amount) in DAMAGES.items()}}
SEMANTIC = ("constant", "shuffled", "damaged")
"""Baselines that are label maps only."""
BASELINES = (*SEMANTIC, "oracle", *DAMAGES)
"""What `bench eval --predictions baseline:NAME` takes; those of `WITH_AMOUNT` also as baseline:NAME=AMOUNT."""


def baseline(asked: str, card: Card, samples: Sequence[Sample], *, task: str = "semantic") -> PredictionReader:
    """The reader of a baseline, such as `constant`, `oracle` or `shifted=4`, for a task.

    Raises:
        UsageError: an unknown name, an amount that makes no sense, or a data set or baseline without that task.
    """
    name, _, text = asked.partition("=")
    flag = f"--predictions baseline:{asked}"
    if name not in BASELINES:
        raise UsageError(f"{flag}: {did_you_mean(name, BASELINES)}")
    if task not in card.tasks:
        known = ", ".join(card.tasks)
        raise UsageError(f"{flag}: {card.title} has no {task} truth to make it from (its tasks: {known})")
    if name in SEMANTIC and task != "semantic":
        raise UsageError(f"{flag} --task {task}: it answers with label maps; for objects and segments there is oracle")
    amount = _amount(name, text, flag)
    if name in DAMAGES:
        return _damaged_oracle(card, task, DAMAGES[name][0], amount)
    readers: dict[str, Callable[[], PredictionReader]] = {
        "constant": lambda: constant(card, samples),
        "shuffled": lambda: shuffled(card, samples),
        "damaged": lambda: damaged(card, amount),
        "oracle": lambda: oracle(card, task),
    }
    return readers[name]()


def _damaged_oracle(card: Card, task: str, harm: Damage, amount: float) -> PredictionReader:
    right = oracle(card, task)
    return lambda sample: harm(right(sample), card.classes, amount, _generator(sample))


def _amount(name: str, text: str, flag: str) -> float:
    if name not in WITH_AMOUNT:
        if text:
            raise UsageError(f"{flag}: {name} takes no amount; {', '.join(WITH_AMOUNT)} do")
        return 0.0
    try:
        amount = float(text) if text else float(WITH_AMOUNT[name])
    except ValueError:
        amount = -1.0
    share = name in ("damaged", "flipped")
    if not 0 <= amount <= (1 if share else 1000) or (not share and amount != int(amount)):
        wanted = "a share from 0 to 1" if share else "whole pixels from 0 to 1000"
        raise UsageError(f"{flag}: {wanted} are needed, such as {name}={WITH_AMOUNT[name]:g}")
    return amount


def _generator(sample: Sample) -> np.random.Generator:
    """Random numbers that depend on the id of the image alone."""
    seed = hashlib.blake2b(sample.id.encode("utf-8"), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(seed, "little"))


def _objects(truth: Instances) -> Instances:
    kept = np.flatnonzero(~truth.crowd & (np.asarray(truth.areas) > 0))
    rles = [truth.rles[position] for position in kept.tolist()]
    return Instances(
        size=truth.size,
        classes=truth.classes[kept],
        rles=rles,
        areas=masks.areas(rles),
        boxes=truth.boxes[kept],
        scores=np.ones(len(kept)),
    )


def _segments(truth: Segments, card: Card) -> Segments:
    kept = ~truth.crowd & (truth.classes >= 0) & (truth.classes < len(card.classes))
    ids = np.where(np.isin(truth.ids, truth.segment_ids[kept]), truth.ids, 0)
    return Segments(ids, truth.segment_ids[kept], truth.classes[kept], truth.crowd[kept])


def _fitted(labels: Array, size: tuple[int, int]) -> Array:
    if labels.shape == size:
        return labels
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, labels.shape, strict=True))
    return np.ascontiguousarray(labels[np.ix_(rows, columns)])


def _blown_up(grid: Array, labels: Array) -> Array:
    height, width = labels.shape
    return grid.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[:height, :width]
