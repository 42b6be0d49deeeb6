"""cityscapesScripts on pixels: `python -P cityscapesscripts.py JOB FOLDER` prints the numbers as JSON."""

import json
import sys
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
        found = script.evaluateImgLists(predictions, truths, script.args)
    if not objects:
        return {"mIoU": found["averageScoreClasses"]}
    return {
        "mIoU": found["averageScoreClasses"],
        "mean_iIoU": found["averageScoreInstClasses"],
        "category_mIoU": found["averageScoreCategories"],
        "category_mean_iIoU": found["averageScoreInstCategories"],
    }


if __name__ == "__main__":
    print("\n" + json.dumps(pixels(Path(sys.argv[2]), objects=sys.argv[1] == "iiou"), default=float))
