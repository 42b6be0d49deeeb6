"""Which adapter weights belong to, told by the names that only one kind of network gives to them.

This module knows names alone: neither shapes, nor files, nor how a network is built.
"""

from __future__ import annotations

from collections.abc import Collection

ADAPTERS = {
    "deeplabv3": "deeplab",
    "deeplabv3plus": "deeplabv3plus",
    "fcn": "fcn",
    "fpn": "fpn",
    "lraspp": "lraspp",
    "maskrcnn": "maskrcnn",
    "pspnet": "pspnet",
    "segformer": "segformer",
    "segnet": "segnet",
    "unet": "unet",
    "upernet": "upernet",
}
"""First part of the name of an architecture, and the adapter that runs it."""
SMP_HEAD = "segmentation_head.0.weight"
"""What every network of segmentation_models_pytorch has."""
MARKS = {
    "deeplabv3": [{"classifier.0.convs.0.0.weight"}],
    "deeplabv3plus": [{SMP_HEAD, "decoder.aspp.0.convs.0.0.weight"}],
    "fcn": [
        {"classifier.0.weight", "classifier.4.weight", "backbone.conv1.weight"},
        {"classifier.0.weight", "classifier.4.weight", "backbone.stem.0.weight"},
    ],
    "fpn": [{SMP_HEAD, "decoder.p5.weight"}],
    "lraspp": [{"classifier.low_classifier.weight"}],
    "maskrcnn": [{"roi_heads.mask_predictor.mask_fcn_logits.weight"}],
    "pspnet": [{SMP_HEAD, "decoder.psp.blocks.0.pool.1.0.weight"}, {"classifier.0.levels.0.1.weight"}],
    "segformer": [{SMP_HEAD, "decoder.mlp_stage.0.linear.weight"}],
    "segnet": [{"encoder.0.weight", "decoder.0.0.weight", "classifier.weight"}],
    "unet": [{SMP_HEAD, "decoder.blocks.0.conv2.0.weight"}, {"head.0.weight", "decoder.blocks.0.conv2.0.weight"}],
    "upernet": [{SMP_HEAD, "decoder.feature_norms.0.weight"}],
}
"""Names of weights that, all together, only this kind has; each entry of a list is enough."""


def tell(names: Collection[str]) -> str | None:
    """The kind of network whose weights bear these names, None where no mark is among them.

    >>> tell({"classifier.0.convs.0.0.weight", "backbone.conv1.weight"})
    'deeplabv3'
    """
    found = set(names)
    return next((kind for kind, marks in MARKS.items() if any(mark <= found for mark in marks)), None)


def adapter(architecture: str) -> str | None:
    """The adapter that runs an architecture, by the first part of its name.

    >>> adapter("deeplabv3_resnet50"), adapter("alexnet")
    ('deeplab', None)
    """
    return ADAPTERS.get(architecture.partition("_")[0])
