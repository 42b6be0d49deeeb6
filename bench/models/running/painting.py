"""Rules that turn objects into label maps and segments.

Models that find objects run the semantic and panoptic tasks by these rules. This module knows
arrays and the class table, neither torch nor ground truth.
"""

from __future__ import annotations

import numpy as np

from bench import masks
from bench.classes import Classes
from bench.samples import Array, Instances, LabelMap, Segments

SCORE = 0.5
"""Objects with a lower score are left out: Panoptic FPN (Kirillov et al. 2019), detectron2."""
OVERLAP = 0.5
"""An object is left out if higher-scoring ones cover more than this fraction of it: as above."""
BACKGROUND = "background"
"""Name of the class of pixels without an object, in data sets that have it (VOC)."""


def instances_to_labels(objects: Instances, classes: Classes, *, score: float = SCORE) -> LabelMap:
    """Paint the objects whose score is at least `score`, the highest-scoring on top.

    Of equal scores the one listed first is on top; objects without scores have score 1. Pixels
    without an object get the class `background` if the card has it, else the ignore value ("no
    class predicted").
    """
    labels = np.full(objects.size, _without_object(classes), dtype=classes.dtype)
    for index in _by_score(objects, score)[::-1]:
        labels[masks.decode(objects.rles[index])] = objects.classes[index]
    return LabelMap(labels)


def instances_to_segments(
    objects: Instances, classes: Classes, *, score: float = SCORE, overlap: float = OVERLAP
) -> Segments:
    """Lay out the objects without overlaps, by the rule of Panoptic FPN.

    The highest-scoring object comes first; each takes the pixels that are still free. Objects are
    left out if their score is below `score`, if their class is not a thing, or if more than the
    fraction `overlap` of them is taken already. Stuff is not predicted: pixels without an object
    are void.
    """
    ids = np.zeros(objects.size, dtype=np.int32)
    kept: list[int] = []
    for index in _by_score(objects, score):
        class_ = int(objects.classes[index])
        mask = masks.decode(objects.rles[index])
        free = mask & (ids == 0)
        area, free_area = np.count_nonzero(mask), np.count_nonzero(free)
        if free_area and classes.things[class_] and area - free_area <= overlap * area:
            kept.append(class_)
            ids[free] = len(kept)
    return Segments(
        ids=ids,
        segment_ids=np.arange(1, len(kept) + 1),
        classes=np.array(kept, dtype=np.int64),
        crowd=np.zeros(len(kept), dtype=bool),
    )


def _by_score(objects: Instances, score: float) -> Array:
    """Indices of the objects with at least this score, highest first; ties keep their order."""
    if objects.scores is None:
        return np.arange(len(objects)) if score <= 1 else np.arange(0)
    scores = np.asarray(objects.scores, dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    return order[scores[order] >= score]


def _without_object(classes: Classes) -> int:
    return classes.names.index(BACKGROUND) if BACKGROUND in classes.names else classes.ignore
