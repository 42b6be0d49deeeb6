"""The options of families whose protocol is COCO's or one of its kind."""

from __future__ import annotations

from typing import Protocol


class ProtocolOptions(Protocol):
    """Options that change COCO's protocol; None means COCO's own."""

    @property
    def max_detections(self) -> tuple[int, ...] | None:
        """Maximum detections per class and image, rising."""
        ...

    @property
    def iou_thresholds(self) -> tuple[float, ...] | None:
        """IoU thresholds, rising."""
        ...

    @property
    def area_ranges(self) -> tuple[tuple[str, float, float], ...] | None:
        """Name, lowest and highest area in pixels."""
        ...
