"""The 12 numbers of any peer with the interface of pycocotools:
`python -P pycocotools_like.py MODULE JOB FOLDER`.
"""

import importlib
import json
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

# The names of truth loader and evaluator, where they differ from pycocotools' own.
NAMES = {
    "pycocotools": ("pycocotools.coco", "COCO", "pycocotools.cocoeval", "COCOeval"),
    "ultrafast_pycocotools": ("ultrafast_pycocotools", "COCO", "ultrafast_pycocotools", "COCOeval"),
    "hotcoco": ("hotcoco", "COCO", "hotcoco", "COCOeval"),
    "faster_coco_eval": ("faster_coco_eval", "COCO", "faster_coco_eval", "COCOeval_faster"),
}


def main(package, job, folder):
    truth_module, truth_name, evaluator_module, evaluator_name = NAMES[package]
    truth_class = getattr(importlib.import_module(truth_module), truth_name)
    evaluator_class = getattr(importlib.import_module(evaluator_module), evaluator_name)
    with redirect_stdout(StringIO()):
        truth = truth_class(str(folder / "truth.json"))
        evaluator = evaluator_class(truth, truth.loadRes(str(folder / f"{job}.json")), job)
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return [float(value) for value in evaluator.stats[:12]]


if __name__ == "__main__":
    print("\n" + json.dumps({"stats": main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))}))
