"""Stated rules from one form of prediction to another: objects to labels or segments, segments to labels.

Models that find objects or segments answer semantic questions through here, each by the same rules. This module knows
arrays and the class table, neither torch nor truth.
"""

from __future__ import annotations

import numpy as np

from bench import masks
from bench.classes import Classes
from bench.samples import Array, Instances, LabelMap, Segments

SCORE = 0.5
"""Objects that are less sure are left out: the threshold of Panoptic FPN (Kirillov et al. 2019) and detectron2."""
OVERLAP = 0.5
"""An object is left out where surer ones cover more than this share of it: as above."""
BACKGROUND = "background"
"""Name of the class of pixels that belong to no object, in data sets that have it (VOC)."""


def instances_to_labels(found: Instances, classes: Classes, *, score: float = SCORE) -> LabelMap:
    """Paint the objects whose score is at least `score`, the least sure first, so that the surest lies on top.

    Of equal scores the one listed first lies on top; objects without scores count as sure. Pixels of no object are of
    the class `background` where the card has it, else "no class predicted" (the ignore value).
    """
    labels = np.full(found.size, _of_no_object(classes), dtype=classes.dtype)
    for position in _surest_first(found, score)[::-1]:
        labels[masks.decode(found.rles[position])] = found.classes[position]
    return LabelMap(labels)


def instances_to_segments(
    found: Instances, classes: Classes, *, score: float = SCORE, overlap: float = OVERLAP
) -> Segments:
    """Lay out the objects so that none overlap, by the rule of Panoptic FPN: the surest first, each takes what is free.

    Left out are objects whose score is below `score`, whose class is no thing, and those of which more than the share
    `overlap` is taken already. Stuff is not predicted: pixels of no object are void.
    """
    ids = np.zeros(found.size, dtype=np.int32)
    kept: list[int] = []
    for position in _surest_first(found, score):
        mask = masks.decode(found.rles[position])
        area = np.count_nonzero(mask)
        free = mask & (ids == 0)
        left = np.count_nonzero(free)
        if left and classes.things[found.classes[position]] and area - left <= overlap * area:
            kept.append(int(found.classes[position]))
            ids[free] = len(kept)
    return Segments(
        ids=ids,
        segment_ids=np.arange(1, len(kept) + 1),
        classes=np.array(kept, dtype=np.int64),
        crowd=np.zeros(len(kept), dtype=bool),
    )


def _surest_first(found: Instances, score: float) -> Array:
    """Positions of the objects that are sure enough; equal scores in the order they are listed."""
    scores = np.ones(len(found)) if found.scores is None else np.asarray(found.scores, dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    return order[scores[order] >= score]


def _of_no_object(classes: Classes) -> int:
    return classes.names.index(BACKGROUND) if BACKGROUND in classes.names else classes.ignore
