"""The declarations of PQ, SQ and RQ, which are computed by mask IoU and by boundary IoU."""

from __future__ import annotations

from bench.families.contract.metric import Metric, fraction

_QUALITIES = {
    "PQ": "panoptic quality: mean over classes of SQ x RQ",
    "SQ": "segmentation quality: mean over classes of the mean IoU of matched segments",
    "RQ": "recognition quality: mean over classes of tp / (tp + fp / 2 + fn / 2) of segments",
}
_GROUPS = {"th": "things, the countable classes", "st": "stuff, the other classes"}


def panoptic_metrics(overlap: str, reference: str) -> tuple[Metric, ...]:
    """The nine metrics of panopticapi; `overlap` is the IoU by which segments match."""
    whole = tuple(
        fraction(
            name,
            name,
            meaning=f"{meaning}, by {overlap}",
            reference=reference,
            per_class=name,
            leading=name == "PQ",
        )
        for name, meaning in _QUALITIES.items()
    )
    parts = tuple(
        fraction(
            f"{name}_{suffix}",
            f"{name}_{suffix}",
            meaning=f"{name} over {group}, by {overlap}",
            reference=reference,
        )
        for suffix, group in _GROUPS.items()
        for name in _QUALITIES
    )
    return whole + parts
