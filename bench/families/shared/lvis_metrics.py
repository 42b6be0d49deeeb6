"""The declarations of LVIS's AP and AR, which are computed by masks and by boxes."""

from __future__ import annotations

from bench.families.contract.metric import Metric
from bench.families.shared.coco_metrics import SIZES, precision_metric

PROTOCOL = (
    "LVIS counts 300 detections of an image over all classes, at COCO's overlaps and area ranges"
)
_FREQUENCIES = {"r": "rare", "c": "common", "f": "frequent"}


def lvis_metrics(by: str) -> tuple[Metric, ...]:
    """LVIS's thirteen metrics; `by` says what overlaps are measured of, such as `by boxes`."""
    rows = {
        "AP": f"average precision {by}, over classes each of which some images are annotated for",
        "AP50": f"AP {by} at IoU .50",
        "AP75": f"AP {by} at IoU .75",
        **{f"AP{size}": f"AP {by} of objects {description}" for size, description in SIZES.items()},
        **{
            f"AP{letter}": f"AP {by} of {description} classes"
            for letter, description in _FREQUENCIES.items()
        },
        "AR300": f"average recall {by} of the 300 highest-scoring detections of an image",
        **{
            f"AR{size}": f"AR300 {by} of objects {description}"
            for size, description in SIZES.items()
        },
    }
    return tuple(precision_metric(name, meaning, "lvis") for name, meaning in rows.items())
