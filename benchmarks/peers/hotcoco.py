"""hotcoco on pixels and segments (boxes and masks: pycocotools_like.py):
`python -P hotcoco.py JOB FOLDER`.
"""

import json
import sys
from pathlib import Path


def main(job: str, folder: Path) -> object:
    if job == "miou":
        from hotcoco import semantic

        evaluator = semantic.SemanticEval(34)
        evaluator.update_folders(
            str(folder / "city/gtFine/val/made"), str(folder / "city-predicted")
        )
        sys.path.insert(0, str(Path(__file__).parent))
        from cityscapes_rules import mean_iou

        return {"mIoU": mean_iou(evaluator.confusion())}
    if job == "pq":
        from hotcoco import panoptic

        evaluator = panoptic.PanopticEval(
            str(folder / "panoptic.json"), str(folder / "panoptic-predicted.json")
        )
        evaluator.evaluate()
        results = evaluator.results()
        groups = {"all": "All", "things": "Things", "stuff": "Stuff"}
        qualities = ("PQ", "SQ", "RQ")
        return {
            f"{name} {word}": results[group][name.lower()]
            for word, group in groups.items()
            for name in qualities
        }
    raise SystemExit(f"hotcoco has no job {job}")


if __name__ == "__main__":
    print("\n" + json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
