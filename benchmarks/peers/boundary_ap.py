"""Boundary AP, implemented directly: `python -P boundary_ap.py boundary FOLDER` prints the 12
numbers as JSON.

It is our own writing of what boundary-iou-api does on top of pycocotools: every mask is drawn,
eroded by steps of 3 x 3 on the whole image, and encoded again; the IoU is the smaller of mask IoU
and boundary IoU, except with crowds.
"""

import json
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

RATIO = 0.02


def boundary_of(rle):
    mask = masks.decode(rle)
    height, width = mask.shape
    steps = max(1, int(round(RATIO * np.sqrt(height**2 + width**2))))  # noqa: RUF046 - it is a NumPy number
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(padded, np.ones((3, 3), dtype=np.uint8), iterations=steps)[1:-1, 1:-1]
    return masks.encode(np.asfortranarray(mask - eroded))


class BoundaryEval(COCOeval):
    """Matching of pycocotools by the smaller IoU."""

    def _prepare(self):
        super()._prepare()
        for annotations in (*self._gts.values(), *self._dts.values()):
            for annotation in annotations:
                annotation["boundary"] = boundary_of(annotation["segmentation"])

    def computeIoU(self, imgId, catId):  # noqa: N802, N803, RUF100 - names of pycocotools
        """The smaller of mask IoU and boundary IoU, but the mask IoU for crowds."""
        ious = super().computeIoU(imgId, catId)
        truths, detections = self._gts[imgId, catId], self._dts[imgId, catId]
        if not len(ious):
            return ious
        order = np.argsort([-entry["score"] for entry in detections], kind="mergesort")
        best = [detections[index]["boundary"] for index in order[: self.params.maxDets[-1]]]
        crowd = [int(entry["iscrowd"]) for entry in truths]
        edges = masks.iou(best, [entry["boundary"] for entry in truths], crowd)
        return np.where(np.array(crowd, dtype=bool), ious, np.minimum(ious, edges))


def main(folder):
    with redirect_stdout(StringIO()):
        truth = COCO(str(folder / "truth.json"))
        evaluator = BoundaryEval(truth, truth.loadRes(str(folder / "segm.json")), "segm")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return [float(value) for value in evaluator.stats[:12]]


if __name__ == "__main__":
    print("\n" + json.dumps({"stats": main(Path(sys.argv[2]))}))
