"""What a benchmark of detected objects asks for, as values: thresholds, size ranges, caps, and what its scores are.

COCO's stands here; how objects are matched and scored by it is told in `matching.py` and `average_precision.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class SizeRange:
    """Objects whose area in pixels lies in [low, high] count; others are ignored."""

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Measure:
    """One score: the mean of precision, or of recall, over classes and thresholds.

    `size` and `threshold` are positions in the protocol's lists, `threshold` None for the mean over all; `cap` is the
    number of detections that count in one image and class, None for all of them. The precision of a class is the mean
    of that at the protocol's recalls, or with `area_under_curve` the area under its curve (as VOC has it). `subset`
    names the classes of the mean, all of them where it is empty.
    """

    name: str
    recall: bool = False
    threshold: int | None = None
    size: int = 0
    cap: int | None = 100
    area_under_curve: bool = False
    subset: str = ""


@dataclass(frozen=True)
class Protocol:
    """How detections are matched and which scores are made of it.

    `thresholds` (T) of overlap rise, T <= 16; `recalls` (R) rise; `cap` is the number of detections of one image and
    class that are matched at all, None for all of them. Size ranges times thresholds fit into 64 bits.
    """

    thresholds: tuple[float, ...]
    sizes: tuple[SizeRange, ...]
    recalls: tuple[float, ...]
    cap: int | None
    measures: tuple[Measure, ...]


ALL_SIZES = SizeRange("all", 0.0, 1e5**2)
COCO_THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).tolist())
COCO_RECALLS = tuple(np.linspace(0.0, 1.0, 101).tolist())
COCO_SIZES = (
    ALL_SIZES,
    SizeRange("small", 0.0, 32.0**2),
    SizeRange("medium", 32.0**2, 96.0**2),
    SizeRange("large", 96.0**2, 1e5**2),
)

COCO_CAPS = (1, 10, 100)


@cache
def coco_like(
    caps: tuple[int, ...] = COCO_CAPS,
    thresholds: tuple[float, ...] = COCO_THRESHOLDS,
    sizes: tuple[SizeRange, ...] = COCO_SIZES[1:],
) -> Protocol:
    """COCO's protocol with other maximum detections, thresholds of overlap, or size ranges.

    All three rise; the last cap is that of AP. As in pycocotools there is always a range of all sizes besides. AP50 and
    AP75 are among the measures where .5 and .75 are among the thresholds.

    >>> [measure.name for measure in coco_like(caps=(1, 500), thresholds=(0.5,)).measures]
    ['AP', 'AP50', 'APs', 'APm', 'APl', 'AR1', 'AR500', 'ARs', 'ARm', 'ARl']
    """
    cap = caps[-1]
    letters = sizes == COCO_SIZES[1:]
    suffixes = [size.name[0] if letters else size.name for size in sizes]
    at = {name: place_of(value, thresholds) for name, value in (("AP50", 0.5), ("AP75", 0.75))}
    return Protocol(
        thresholds=thresholds,
        sizes=(ALL_SIZES, *sizes),
        recalls=COCO_RECALLS,
        cap=cap,
        measures=(
            Measure("AP", cap=cap),
            *(Measure(name, threshold=place, cap=cap) for name, place in at.items() if place is not None),
            *(Measure(f"AP{each}", size=place, cap=cap) for place, each in enumerate(suffixes, start=1)),
            *(Measure(f"AR{each}", recall=True, cap=each) for each in caps),
            *(Measure(f"AR{each}", recall=True, size=place, cap=cap) for place, each in enumerate(suffixes, start=1)),
        ),
    )


def place_of(threshold: float, thresholds: tuple[float, ...]) -> int | None:
    """Where a threshold stands among others, whatever their last bit; None where it is not among them.

    >>> place_of(0.6, COCO_THRESHOLDS), place_of(0.3, COCO_THRESHOLDS)
    (2, None)
    """
    return next((place for place, each in enumerate(thresholds) if abs(each - threshold) < 1e-9), None)


COCO = coco_like()
"""COCO's own, as pycocotools' `summarize` prints it."""
