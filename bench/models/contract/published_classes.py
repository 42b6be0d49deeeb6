"""The classes of torchvision's published semantic weights, listed so that no command needs torch.

A test compares them with torchvision.
"""

from __future__ import annotations

COCO_WITH_VOC_LABELS = (
    *("__background__", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat"),
    *("chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant"),
    *("sheep", "sofa", "train", "tvmonitor"),
)
