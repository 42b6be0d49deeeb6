"""cityscapesScripts on one job: `python -P cityscapesscripts.py JOB FOLDER` prints the numbers as JSON."""

import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np

np.in1d = np.isin  # what cityscapesScripts 2.3 calls left NumPy


def pixels(folder, objects):
    from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as script

    script.args.evalInstLevelScore = objects
    script.args.quiet = True
    script.args.JSONOutput = False
    root = folder / ("city-objects" if objects else "city")
    truths = sorted(str(path) for path in root.glob("gtFine/val/*/*_gtFine_labelIds.png"))
    predictions = [str(folder / "city-predicted" / os.path.basename(path)) for path in truths]
    with redirect_stdout(StringIO()):
        found = script.evaluateImgLists(predictions, truths, script.args)
    if not objects:
        return {"mIoU": found["averageScoreClasses"]}
    return {
        "mIoU": found["averageScoreClasses"],
        "mean_iIoU": found["averageScoreInstClasses"],
        "category_mIoU": found["averageScoreCategories"],
        "category_mean_iIoU": found["averageScoreInstCategories"],
    }


def instances(folder):
    from cityscapesscripts.evaluation import evalInstanceLevelSemanticLabeling as script

    script.args.JSONOutput = False
    script.args.quiet = True
    script.args.distanceAvailable = False
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        script.args.gtInstancesFile = os.path.join(scratch, "gtInstances.json")
        truths = sorted(str(path) for path in folder.glob("city-objects/gtFine/val/*/*_gtFine_instanceIds.png"))
        names = ["_".join(os.path.basename(path).split("_")[:3]) for path in truths]
        script.args.predictionPath = str(folder / "city-masks")
        with redirect_stdout(StringIO()):
            predictions = [str(folder / "city-masks" / f"{name}.txt") for name in names]
            found = script.evaluateImgLists(predictions, truths, script.args)
    averages = found["averages"]
    return {"AP": averages["allAp"], "AP50": averages["allAp50%"]}


def main(job, folder):
    return instances(folder) if job == "city-ap" else pixels(folder, objects=job == "iiou")


if __name__ == "__main__":

    class Plain(json.JSONEncoder):
        def default(self, value):
            return value.item() if hasattr(value, "item") else super().default(value)

    print("\n" + json.dumps(main(sys.argv[1], Path(sys.argv[2])), cls=Plain))
