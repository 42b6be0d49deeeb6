"""torchmetrics on mIoU: `python -P torchmetrics.py miou FOLDER` prints the number as JSON.

It reads files with Pillow, as its users do; its sums are in single precision. Panoptic quality
takes it seconds an image, and its AP wraps pycocotools: neither is raced.
"""

import json
import sys
from pathlib import Path


def main(folder):
    import numpy as np
    import torch
    from PIL import Image
    from torchmetrics.classification import MulticlassConfusionMatrix

    sys.path.insert(0, str(Path(__file__).parent))
    from cityscapes_rules import mean_iou

    metric = MulticlassConfusionMatrix(34)
    for truth in sorted((folder / "city").glob("gtFine/val/*/*_gtFine_labelIds.png")):
        prediction = folder / "city-predicted" / truth.name
        first, second = (
            torch.from_numpy(np.array(Image.open(path)).astype(np.int64))
            for path in (prediction, truth)
        )
        metric.update(first, second)
    return {"mIoU": mean_iou(metric.compute().tolist())}


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[2]))))
