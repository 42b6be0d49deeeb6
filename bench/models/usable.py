"""What each kind of model can do of what `Options` offers, beside weights, task, device and batch size.

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
"""MaskFormer and its kin, by task."""
PROMPTED = ("amp", "prompt", "prompts")
"""Networks that are pointed at objects."""
EXCHANGED = ("input_size", "sidecar", "confidence")
"""Networks in files that hold them whole, and networks of a person's own."""
