"""vernier on one job: `python -P vernier.py JOB FOLDER` prints numbers as JSON.

Of masks it wants boxes as well, which the official format of results does not have, and takes their
areas for those of the detections: its scores by size are others than those of the masks, and left
out.
"""

import json
import sys
from pathlib import Path

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


def main(job, folder):
    from vernier import instance

    kind = {"bbox": instance.Bbox, "segm": instance.Segm, "boundary": instance.Boundary}[job]()
    file = "bbox.json" if job == "bbox" else "segm-boxes.json"
    truth, detections = (folder / "truth.json").read_bytes(), (folder / file).read_bytes()
    stats = instance.Evaluator(iou=kind, parity_mode="strict").evaluate(truth, detections).stats
    numbers = dict(zip(NAMES, (float(value) for value in stats), strict=True))
    return {
        name: value
        for name, value in numbers.items()
        if job == "bbox" or name not in ("APs", "APm", "APl")
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
