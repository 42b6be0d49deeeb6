"""Protocols of object detection: thresholds, size ranges, maximum detections, and the scores.

COCO's protocol is here. `matching.py` and `average_precision.py` match and score by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class SizeRange:
    """Objects with an area in [low, high], in pixels, count; others are ignored."""

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Measure:
    """One score: the mean of precision, or of recall, over classes and thresholds.

    `size` and `threshold` are positions in the lists of the protocol; None is the mean over all
    thresholds. `max_detections` is the maximum of detections of an image and class, None for no
    maximum. The precision of a class is the mean of its precision at the recalls of the protocol,
    or with `area_under_curve` the area under its curve, as in VOC. `subset` names the classes of
    the mean, all of them if it is empty.
    """

    name: str
    recall: bool = False
    threshold: int | None = None
    size: int = 0
    max_detections: int | None = 100
    area_under_curve: bool = False
    subset: str = ""


@dataclass(frozen=True)
class Protocol:
    """How detections are matched, and which scores follow.

    `thresholds` (T) of overlap rise, T <= 16; `recalls` (R) rise. `max_detections` is the maximum
    of detections of an image and class that are matched, None for no maximum. A size ranges and T
    thresholds fit into 64 bits: A x T <= 64.
    """

    thresholds: tuple[float, ...]
    sizes: tuple[SizeRange, ...]
    recalls: tuple[float, ...]
    max_detections: int | None
    measures: tuple[Measure, ...]


ALL_SIZES = SizeRange("all", 0.0, 1e5**2)
# With linspace as in pycocotools, whose .6 differs from the literal in the last bit.
COCO_THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).tolist())
COCO_RECALLS = tuple(np.linspace(0.0, 1.0, 101).tolist())
COCO_SIZES = (
    ALL_SIZES,
    SizeRange("small", 0.0, 32.0**2),
    SizeRange("medium", 32.0**2, 96.0**2),
    SizeRange("large", 96.0**2, 1e5**2),
)

COCO_MAX_DETECTIONS = (1, 10, 100)


@cache
def coco_like(
    max_detections: tuple[int, ...] = COCO_MAX_DETECTIONS,
    thresholds: tuple[float, ...] = COCO_THRESHOLDS,
    sizes: tuple[SizeRange, ...] = COCO_SIZES[1:],
) -> Protocol:
    """Return COCO's protocol with other maximum detections, overlap thresholds, or size ranges.

    All three rise; AP uses the last of the maximum detections. As in pycocotools, there is always a
    range of all sizes, too. AP50 and AP75 are among the scores if .5 and .75 are among the
    thresholds.

    >>> [measure.name for measure in coco_like(max_detections=(1, 500), thresholds=(0.5,)).measures]
    ['AP', 'AP50', 'APs', 'APm', 'APl', 'AR1', 'AR500', 'ARs', 'ARm', 'ARl']
    """
    last = max_detections[-1]
    # APs, APm, APl are the names of COCO; other ranges keep their full name, as in APtiny.
    letters = sizes == COCO_SIZES[1:]
    suffixes = [size.name[0] if letters else size.name for size in sizes]
    single = {
        name: position_of(value, thresholds) for name, value in (("AP50", 0.5), ("AP75", 0.75))
    }
    return Protocol(
        thresholds=thresholds,
        sizes=(ALL_SIZES, *sizes),
        recalls=COCO_RECALLS,
        max_detections=last,
        measures=(
            Measure("AP", max_detections=last),
            *(
                Measure(name, threshold=number, max_detections=last)
                for name, number in single.items()
                if number is not None
            ),
            *(
                Measure(f"AP{suffix}", size=number, max_detections=last)
                for number, suffix in enumerate(suffixes, start=1)
            ),
            *(Measure(f"AR{limit}", recall=True, max_detections=limit) for limit in max_detections),
            *(
                Measure(f"AR{suffix}", recall=True, size=number, max_detections=last)
                for number, suffix in enumerate(suffixes, start=1)
            ),
        ),
    )


def position_of(threshold: float, thresholds: tuple[float, ...]) -> int | None:
    """Return the position of a threshold among others, whatever their last bit; None without it.

    >>> position_of(0.6, COCO_THRESHOLDS), position_of(0.3, COCO_THRESHOLDS)
    (2, None)
    """
    return next(
        (position for position, other in enumerate(thresholds) if abs(other - threshold) < 1e-9),
        None,
    )


COCO = coco_like()
"""COCO's own, as pycocotools' `summarize` prints it."""
