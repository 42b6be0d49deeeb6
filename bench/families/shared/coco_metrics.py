"""The declarations of COCO's AP and AR, which several families compute with other overlaps."""

from __future__ import annotations

from collections.abc import Iterable

from bench.families.contract.metric import Metric, fraction

SIZES = {
    "s": "below 32 x 32 pixels",
    "m": "of 32 x 32 to 96 x 96 pixels",
    "l": "above 96 x 96 pixels",
}
_RECALLS = {"1": "highest-scoring detection", "10": "ten highest-scoring detections"}


def precision_metric(name: str, meaning: str, reference: str) -> Metric:
    """A mean over classes, each with its own score under the same name."""
    leading = name == "AP"
    return fraction(
        name, name, meaning=meaning, reference=reference, per_class=name, leading=leading
    )


def coco_metrics(by: str, reference: str = "pycocotools") -> tuple[Metric, ...]:
    """COCO's twelve metrics; `by` says what overlaps are measured of, such as `by boxes`."""
    recall = "average recall of the"
    rows = {
        "AP": f"average precision {by}: mean over classes, 101 recalls and IoU .50 to .95",
        "AP50": f"AP {by} at IoU .50",
        "AP75": f"AP {by} at IoU .75",
        **{f"AP{size}": f"AP {by} of objects {description}" for size, description in SIZES.items()},
        **{
            f"AR{most}": f"{recall} {which} per image and class, {by}"
            for most, which in _RECALLS.items()
        },
        "AR100": f"{recall} hundred highest-scoring, {by}; --max-detections 1,500 gives AR500",
        **{
            f"AR{size}": f"AR100 {by} of objects {description}"
            for size, description in SIZES.items()
        },
    }
    return tuple(precision_metric(name, meaning, reference) for name, meaning in rows.items())


def renamed(metrics: Iterable[Metric], names: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics of these names; names that other settings made, such as AR500, are added."""
    by_name = {metric.name: metric for metric in metrics}
    return tuple(
        by_name.get(name) or precision_metric(name, "under other settings than COCO's", "-")
        for name in names
    )
