"""Predictions made from the truth: what every model should beat, and an oracle that is damaged by a known share.

This is the only place where truth becomes input; it knows no models. Each function takes the samples of a split and
returns a reader: sample -> label map.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from bench.cards import Card
from bench.errors import UsageError, did_you_mean
from bench.formats import PredictionReader
from bench.samples import Array, LabelMap, Sample

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


def damaged(
    card: Card,
    samples: Sequence[Sample],  # noqa: ARG001 - asked like the others
    *,
    share: float = 0.1,
) -> PredictionReader:
    """Answer with the truth, in which a share of squares of 16 x 16 pixels holds a class drawn by chance.

    The squares and classes of an image depend on its id alone.
    """

    def read(sample: Sample) -> LabelMap:
        labels = sample.truth.semantic().labels
        seed = int.from_bytes(hashlib.blake2b(sample.id.encode("utf-8"), digest_size=8).digest(), "little")
        generator = np.random.default_rng(seed)
        grid = tuple(-(-side // BLOCK) for side in labels.shape)
        hit = generator.random(grid) < share
        drawn = generator.integers(0, len(card.classes), size=grid)
        painted = np.where(_blown_up(hit, labels), _blown_up(drawn, labels), labels)
        return LabelMap(painted.astype(labels.dtype))

    return read


BASELINES: dict[str, Callable[[Card, Sequence[Sample]], PredictionReader]] = {
    "constant": constant,
    "shuffled": shuffled,
    "damaged": damaged,
}
"""What `bench eval --predictions baseline:NAME` takes."""


def baseline(name: str, card: Card, samples: Sequence[Sample]) -> PredictionReader:
    """The reader of the baseline of this name.

    Raises:
        UsageError: an unknown name, or a data set without a class for every pixel.
    """
    if name not in BASELINES:
        raise UsageError(f"--predictions baseline:{name}: {did_you_mean(name, BASELINES)}")
    if "semantic" not in card.tasks:
        raise UsageError(f"--predictions baseline:{name}: {card.title} has no class for every pixel to make it from")
    return BASELINES[name](card, samples)


def _fitted(labels: Array, size: tuple[int, int]) -> Array:
    if labels.shape == size:
        return labels
    rows, columns = (np.arange(n) * m // n for n, m in zip(size, labels.shape, strict=True))
    return np.ascontiguousarray(labels[np.ix_(rows, columns)])


def _blown_up(grid: Array, labels: Array) -> Array:
    height, width = labels.shape
    return grid.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[:height, :width]
