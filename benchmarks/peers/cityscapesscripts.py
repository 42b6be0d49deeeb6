"""cityscapesScripts on pixels: `python -P cityscapesscripts.py JOB FOLDER` prints the numbers as
JSON.
"""

import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np

np.in1d = np.isin  # noqa: NPY201 - what cityscapesScripts 2.3 calls left NumPy


def pixels(folder, objects):
    from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as script  # noqa: N813

    script.args.evalInstLevelScore = objects
    script.args.quiet = True
    script.args.JSONOutput = False
    root = folder / ("city-objects" if objects else "city")
    truths = sorted(str(path) for path in root.glob("gtFine/val/*/*_gtFine_labelIds.png"))
    predictions = [str(folder / "city-predicted" / Path(path).name) for path in truths]
    with redirect_stdout(StringIO()):
        results = script.evaluateImgLists(predictions, truths, script.args)
    if not objects:
        return {"mIoU": results["averageScoreClasses"]}
    return {
        "mIoU": results["averageScoreClasses"],
        "mean_iIoU": results["averageScoreInstClasses"],
        "category_mIoU": results["averageScoreCategories"],
        "category_mean_iIoU": results["averageScoreInstCategories"],
    }


def write(content, file):
    Path(file).write_text(
        json.dumps(content, default=lambda value: value.item(), sort_keys=True, indent=4)
    )


def instances(folder):
    from cityscapesscripts.evaluation import evalInstanceLevelSemanticLabeling as script  # noqa: N813

    # It writes what it matched into the working directory, in a way that NumPy 2 does not allow.
    script.writeDict2JSON = write
    truths = sorted(
        str(path)
        for path in (folder / "city-objects").glob("gtFine/val/*/*_gtFine_instanceIds.png")
    )
    script.args.predictionPath = str(folder / "city-masks")
    script.args.quiet = True
    script.args.JSONOutput = False
    with tempfile.TemporaryDirectory() as work, redirect_stdout(StringIO()):
        os.chdir(work)
        script.args.gtInstancesFile = str(Path(work) / "gtInstances.json")
        script.setInstanceLabels(script.args)
        predictions = [script.getPrediction(path, script.args) for path in truths]
        averages = script.evaluateImgLists(predictions, truths, script.args)["averages"]
        os.chdir("/")
    return {"AP": averages["allAp"], "AP50": averages["allAp50%"]}


def main(job, folder):
    return instances(folder) if job == "cityscapes-ap" else pixels(folder, objects=job == "iiou")


if __name__ == "__main__":
    print("\n" + json.dumps(main(sys.argv[1], Path(sys.argv[2])), default=float))
