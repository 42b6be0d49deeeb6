"""Maximum detections: how many are left out, and the score that a perfect model could reach.

It works on finished counts; `matching.py` selects the detections.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.metrics.protocols import Protocol
from bench.samples import Array, Table
from bench.samples.columns import DetectionColumns

LEFT_OUT = "left_out"
"""The table of the detections that are left out; protocols other than COCO's prefix their name."""
_SHIFT = 32
"""The number of the image is shifted by so many bits in a key of image and class."""


class Perfect(NamedTuple):
    """The score of a perfect model, if images have more objects of a class than detections count.

    `crowded` is the number of such images, and `most` the largest number of objects of a class in
    one.
    """

    ap: float
    ar: float
    crowded: int
    most: int


def left_out(
    detections: DetectionColumns, kept: int, maximum: int | None, *, by_class: bool = True
) -> Table:
    """Return how many detections of each image are beyond the maximum, for images with any.

    Columns: image (int32), detections (int32). `kept` is the number of detections that count in all
    images. `maximum` is per image and class, or per image without `by_class`.
    """
    if maximum is None or kept == len(detections):
        return {"image": np.zeros(0, np.int32), "detections": np.zeros(0, np.int32)}
    keys = detections.image.astype(np.int64) << _SHIFT
    # One key for image and class sorts and counts both at once.
    groups, sizes = np.unique(keys | detections.classes if by_class else keys, return_counts=True)
    beyond = np.bincount(
        groups >> _SHIFT, weights=np.maximum(sizes - maximum, 0), minlength=detections.images
    )
    images = np.flatnonzero(beyond)
    return {"image": images.astype(np.int32), "detections": beyond[images].astype(np.int32)}


def perfect(truths: Table, protocol: Protocol) -> Perfect | None:
    """Return the score of a perfect model; None if it is 1.

    It is below 1 if an image has more objects of a class than the maximum of detections. The model
    finds every object exactly, without a false positive, in any order. Of n objects of a class in
    an image, min(n, maximum) are found. The recall r of the class is their sum over images, divided
    by the number of its objects; precision is 1 up to r and 0 beyond:

        precision 1 |-----------+
                    |           |
                  0 |           +------   recall
                    0           r     1

    So the AP of the class is the fraction of the protocol's recalls that are at most r, and its AR
    is r, at every threshold. Both are averaged over the classes with objects. No model can score
    higher, since none finds more objects, and precision is at most 1.
    """
    of_all_sizes = (truths["size"] == 0) & (truths["objects"] > 0)
    image, classes, objects = (
        truths[name][of_all_sizes].astype(np.int64) for name in ("image", "class", "objects")
    )
    if protocol.max_detections is None or not (objects > protocol.max_detections).any():
        return None
    findable = np.bincount(classes, weights=np.minimum(objects, protocol.max_detections))
    total = np.bincount(classes, weights=objects)
    recalls: Array = findable[total > 0] / total[total > 0]
    # On the right side: a recall of exactly r is reached.
    reached = np.searchsorted(np.array(protocol.recalls), recalls, side="right")
    crowded = np.unique(image[objects > protocol.max_detections])
    ap = float(np.mean(reached / len(protocol.recalls)))
    return Perfect(ap, float(recalls.mean()), len(crowded), int(objects.max()))
