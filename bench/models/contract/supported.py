"""Options that each group of models supports, in addition to weights, task, device and batch size.

The names are those of the fields of `Options`.
"""

from __future__ import annotations

SEMANTIC = (
    "amp", "compile", "input_size", "window", "overlap", "scales", "flip", "confidence",
)  # fmt: skip
"""Networks that give each pixel a class."""
OBJECTS = ("amp", "input_size", "score_threshold", "detections")
"""Networks that find objects: Mask R-CNN, and the queries of Mask2Former for instances."""
QUERIES_SEMANTIC = ("amp", "input_size")
QUERIES_PANOPTIC = ("amp", "input_size", "score_threshold")
"""MaskFormer, Mask2Former and OneFormer."""
PROMPTED = ("amp", "prompt", "prompts")
"""Promptable networks: SAM and SAM 2."""
EXPORTED = ("input_size", "sidecar", "confidence")
"""Exported networks, and torch networks from Python."""
