"""Bootstrap of AP with the library: `python benchmarks/ours_bootstrap.py bootstrap FOLDER` prints
JSON.

It draws 1 000 resamples of the images, with all 12 numbers of boxes for each, from one pass over
the files; `seconds` is the time of the resampling only. One more resample, with weight 1 for every
image, must give the plain scores.
"""

import json
import sys
import time
from pathlib import Path

REPLICATES = 1000


def main(folder):
    import numpy as np

    from bench import resample
    from bench.cards import load_card
    from bench.cli import startup
    from bench.formats.coco import columns as coco_columns
    from bench.metrics import instance

    startup.keep_freed()
    card = load_card("coco-instances")
    truth, detections = coco_columns.read(
        card, folder / "truth.json", folder / "bbox.json", with_masks=False
    )
    tables = instance.count(truth.columns, detections, kinds=("box",))
    images = len(truth.images)
    started = time.perf_counter()
    drawn = resample.bootstrap_weights(np.arange(images), REPLICATES, np.random.default_rng(7))
    weights = np.concatenate([resample.ones(images), drawn])
    scores = instance.score(tables, weights, card.classes, kind="box").overall
    seconds = time.perf_counter() - started
    plain = {name: float(values[0]) for name, values in scores.items()}
    return {**plain, "seconds": seconds, "deviation of AP": float(np.nanstd(scores["AP"][1:]))}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    print(json.dumps(main(Path(sys.argv[2]))))
