"""Boundary AP as boundary-iou-api computes it, step by step, on full images with SciPy's erosion.
No bench here.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.ndimage import binary_erosion

Array = np.ndarray[Any, Any]


def boundary(mask: Array, ratio: float) -> Array:
    """Pad by one pixel of nothing, erode by a 3 x 3 square as often as the distance says, and
    subtract.
    """
    height, width = mask.shape
    distance = max(1, round(ratio * np.sqrt(height**2 + width**2)))
    padded = np.pad(mask.astype(bool), 1)
    inner = binary_erosion(padded, np.ones((3, 3)), iterations=distance)
    return np.asarray(padded & ~inner)[1:-1, 1:-1]


class _Evaluation(COCOeval):  # type: ignore[misc]
    ratio = 0.02

    def computeIoU(self, image: int, category: int) -> Any:  # noqa: N802 - pycocotools' name
        """The smaller of both overlaps, except for crowds."""
        truths, found = self._gts[image, category], self._dts[image, category]
        if not truths and not found:
            return []
        order = np.argsort([-d["score"] for d in found], kind="mergesort")
        found = [found[place] for place in order][: self.params.maxDets[-1]]
        crowd = [int(t["iscrowd"]) for t in truths]
        masks = [
            [self._code(entry, truth) for entry in side]
            for side, truth in ((found, False), (truths, True))
        ]
        edges = [[self._edge(code) for code in side] for side in masks]
        overlaps = coco_mask.iou(*masks, crowd)
        if not len(overlaps):
            return overlaps
        smaller = np.minimum(overlaps, coco_mask.iou(*edges, crowd))
        return np.where(np.array(crowd, dtype=bool)[None], overlaps, smaller)

    def _code(self, entry: dict[str, Any], truth: bool) -> Any:
        return (self.cocoGt if truth else self.cocoDt).annToRLE(entry)

    def _edge(self, code: Any) -> Any:
        return coco_mask.encode(
            np.asfortranarray(boundary(coco_mask.decode(code), self.ratio), dtype=np.uint8)
        )


def evaluated(truth: dict[str, Any], results: list[dict[str, Any]], ratio: float = 0.02) -> Any:
    """Run pycocotools with these overlaps; `stats` are the twelve numbers."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        found = coco.loadRes([dict(result) for result in results])
        evaluation = _Evaluation(coco, found, "segm")
        evaluation.ratio = ratio
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation
