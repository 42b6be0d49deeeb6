"""The options that each kind of model honours, besides weights, task, device and batch size.

Options that a kind has no use for are refused before anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping

SEMANTIC = ("amp", "compile", "input_size", "window", "overlap", "scales", "flip", "confidence")
"""Networks that give each pixel a class."""
OBJECTS = ("amp", "input_size", "score_threshold", "detections")
"""Mask R-CNN."""
QUERIES: Mapping[str, tuple[str, ...]] = {
    "semantic": ("amp", "input_size"),
    "instance": ("amp", "input_size", "score_threshold", "detections"),
    "panoptic": ("amp", "input_size", "score_threshold"),
}
"""MaskFormer, Mask2Former and OneFormer, by task."""
PROMPTED = ("amp", "prompt", "prompts")
"""Promptable networks: SAM and SAM 2."""
EXCHANGED = ("input_size", "sidecar", "confidence")
"""Exported networks, and own torch networks."""
