"""What maximum detections leave out: detections that do not count, and objects that no model could find.

It looks at finished counts; `matching.py` says how detections are chosen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.metrics.protocols import Protocol
from bench.samples import Array, Table
from bench.samples.columns import DetectionColumns

LEFT_OUT = "left_out"
"""The table of the detections that COCO's protocol leaves out; other protocols put their name before it."""
_FAR = 32
"""How far the place of an image is shifted in a key of image and class."""


class Perfect(NamedTuple):
    """What a perfect model would score: in `crowded` images a class has more objects than count, at most `most`."""

    ap: float
    ar: float
    crowded: int
    most: int


def left_out(detections: DetectionColumns, kept: int, cap: int | None, *, by_class: bool = True) -> Table:
    """How many detections of each image are beyond the cap, where any are; `kept` is how many count in all.

    Columns: image (int32), detections (int32). The cap is that of an image and class, or of an image.
    """
    if cap is None or kept == len(detections):
        return {"image": np.zeros(0, np.int32), "detections": np.zeros(0, np.int32)}
    keys = detections.image.astype(np.int64) << _FAR
    groups, sizes = np.unique(keys | detections.classes if by_class else keys, return_counts=True)
    beyond = np.bincount(groups >> _FAR, weights=np.maximum(sizes - cap, 0), minlength=detections.images)
    images = np.flatnonzero(beyond)
    return {"image": images.astype(np.int32), "detections": beyond[images].astype(np.int32)}


def perfect(truths: Table, protocol: Protocol) -> Perfect | None:
    """What a perfect model would score; None where it could score 1, because no image has more objects than the cap.

    The model finds every object that counts, exactly and without a false positive, in any order. Of n objects of a
    class in an image then min(n, cap) are found: the recall r of the class is their sum over images, divided by all its
    objects. Precision is 1 up to r and 0 beyond. So the class has an AP of the share of the protocol's recalls that are
    at most r, and an AR of r, at every threshold; both are averaged over the classes with objects. No model can score
    more: none finds more objects, and precision is at most 1.
    """
    whole = (truths["size"] == 0) & (truths["objects"] > 0)
    image, classes, objects = (truths[name][whole].astype(np.int64) for name in ("image", "class", "objects"))
    if protocol.cap is None or not (objects > protocol.cap).any():
        return None
    found, total = (np.bincount(classes, weights=each) for each in (np.minimum(objects, protocol.cap), objects))
    recalls: Array = found[total > 0] / total[total > 0]
    reached = np.searchsorted(np.array(protocol.recalls), recalls, side="right")
    crowded = np.unique(image[objects > protocol.cap])
    ap = float(np.mean(reached / len(protocol.recalls)))
    return Perfect(ap, float(recalls.mean()), len(crowded), int(objects.max()))
