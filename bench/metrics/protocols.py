"""What a benchmark of detected objects asks for, as values: thresholds, size ranges, caps, and what its scores are.

COCO's stands here; how objects are matched and scored by it is told in `matching.py` and `average_precision.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

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

COCO = Protocol(
    thresholds=COCO_THRESHOLDS,
    sizes=COCO_SIZES,
    recalls=COCO_RECALLS,
    cap=100,
    measures=(
        Measure("AP"),
        Measure("AP50", threshold=0),
        Measure("AP75", threshold=5),
        Measure("APs", size=1),
        Measure("APm", size=2),
        Measure("APl", size=3),
        Measure("AR1", recall=True, cap=1),
        Measure("AR10", recall=True, cap=10),
        Measure("AR100", recall=True),
        Measure("ARs", recall=True, size=1),
        Measure("ARm", recall=True, size=2),
        Measure("ARl", recall=True, size=3),
    ),
)
"""COCO's own, as pycocotools' `summarize` prints it."""
