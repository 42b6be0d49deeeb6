"""panopticapi on PQ: `python -P panopticapi.py pq FOLDER` prints the numbers as JSON."""

import json
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path


def main(folder):
    from panopticapi.evaluation import pq_compute

    with redirect_stdout(StringIO()):
        results = pq_compute(str(folder / "panoptic.json"), str(folder / "panoptic-predicted.json"))
    groups = {"all": "All", "things": "Things", "stuff": "Stuff"}
    return {
        f"{name} {word}": results[group][name.lower()]
        for word, group in groups.items()
        for name in ("PQ", "SQ", "RQ")
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[2]))))
