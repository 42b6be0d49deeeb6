"""What the adapters of segmentation_models_pytorch have in common."""

from __future__ import annotations

SMP_HEAD = "segmentation_head.0.weight"
"""A tensor that every network of the library has."""
ACCEPTS = (
    "FILE, a folder or a hub id (segmentation_models_pytorch; the encoder is read from the weights)"
)
"""What may follow `--weights`."""
