"""vernier on one job: `python -P vernier.py JOB FOLDER` prints the 12 numbers as JSON."""

import json
import sys
from pathlib import Path


def main(job, folder):
    from vernier import instance

    kind = {"bbox": instance.Bbox, "segm": instance.Segm}[job]()
    truth, found = (folder / "truth.json").read_bytes(), (folder / f"{job}.json").read_bytes()
    return {"stats": [float(value) for value in instance.Evaluator(iou=kind).evaluate(truth, found).stats]}


if __name__ == "__main__":
    print("\n" + json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
