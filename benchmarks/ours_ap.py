"""AP computed with the library: `python benchmarks/ours_ap.py bbox|segm FOLDER` prints the numbers
as JSON.

It is what `bench eval` does for these files without writing a record: columns in, match tables,
scores.
"""

import json
import os
import sys
from pathlib import Path


def main(job, folder):
    from bench import prefetch

    masks, truth, results = job == "segm", folder / "truth.json", folder / f"{job}.json"
    for file, reader in ((truth, "read_coco_truth"), (results, "read_coco_results")):
        prefetch.begin(file, reader, with_masks=masks)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from bench.cli import startup

    with startup.loading():
        from bench.cards import load_card
        from bench.formats.coco import columns as coco_columns
        from bench.metrics import instance
        from bench.resample import ones

    startup.keep_freed()
    startup.keep_loaded()
    card = load_card("coco-instances")
    file, detections = coco_columns.read(card, truth, results, with_masks=masks)
    kind = "mask" if masks else "box"
    tables = instance.count(file.columns, detections, kinds=(kind,))
    scores = instance.score(tables, ones(len(file.images)), card.classes, kind=kind)
    return {"stats": [float(scores.overall[name][0]) for name in instance.OVERALL]}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
