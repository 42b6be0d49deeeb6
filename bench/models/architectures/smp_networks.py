"""The networks of segmentation_models_pytorch: built from its own saved configuration, or told from weights alone.

Weights alone tell the encoder, its depth and the decoder's widths; what leaves no trace in them, such as dilation
rates, is taken as the library's default. This module knows no card.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import CheckpointError
from bench.models.assembling.family import Family
from bench.models.weights import kinds, smp_folders
from bench.models.weights.checkpoints import Checkpoint

Told = Callable[[Mapping[str, Tensor]], dict[str, Any]]

ENCODERS = {
    "encoder.layer1.0.conv1.weight": (
        *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d"),
        *("se_resnet50", "se_resnext50_32x4d", "se_resnet101"),
    ),
    "encoder.features.0.0.weight": ("mobilenet_v2",),
    "encoder._conv_stem.weight": tuple(f"efficientnet-b{size}" for size in range(8)),
    "encoder.features.0.weight": ("vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"),
    "encoder.features.conv0.weight": ("densenet121", "densenet169", "densenet201", "densenet161"),
    "encoder.patch_embed1.proj.weight": tuple(f"mit_b{size}" for size in range(6)),
}
"""A weight that tells of the kind of encoder, and the encoders of that kind, which are tried in turn."""
MIT = {(32, 2, 2): 0, (64, 2, 2): 1, (64, 3, 6): 2, (64, 3, 18): 3, (64, 8, 27): 4, (64, 6, 40): 5}
"""Width of the first stage, blocks of the second and third, and the size of the Mix Transformer."""
CLASSES = {
    "DeepLabV3Plus": "deeplabv3plus",
    "FPN": "fpn",
    "PSPNet": "pspnet",
    "Segformer": "segformer",
    "UPerNet": "upernet",
    "Unet": "unet",
}
"""The library's classes and the kind that `kinds` calls each."""
DEPTHS = (5, 4, 3)
LEFT_OUT = ("encoder_weights", "classes", "activation", "aux_params")
"""Keywords of a saved configuration that are ours to give: no downloads, plain logits, no head besides."""


def family(name: str, network: str, told: Told) -> Family:
    """The family of one class of the library; `told` gives its keywords that names and shapes of weights tell."""

    def recognise(checkpoint: Checkpoint) -> str | None:
        if checkpoint.config:
            return _configured(checkpoint)
        if kinds.tell(checkpoint.state) != name:
            return None
        found = next(_matches(network, told, checkpoint.state), None)
        return f"{name}_{found[0]}" if found else None

    def build(architecture: str, checkpoint: Checkpoint, outputs: int) -> nn.Module:
        encoder = architecture.partition("_")[2]
        if checkpoint.config:
            keywords = {key: value for key, value in checkpoint.config.items() if key not in LEFT_OUT}
        else:
            found = next(_matches(network, told, checkpoint.state, (encoder,)), (encoder, {}))
            keywords = {"encoder_name": encoder, **found[1]}
        try:
            return _make(network, {**keywords, "classes": outputs})
        except Exception as error:  # noqa: BLE001 - the library raises what it likes of what a file asks for
            raise CheckpointError(
                f"{checkpoint.path}: segmentation_models_pytorch cannot build {architecture}: {smp_folders.line(error)}"
            ) from None

    return Family(
        name=name,
        recognise=recognise,
        build=build,
        head="segmentation_head.",
        architectures=tuple(f"{name}_{encoder}" for encoders in ENCODERS.values() for encoder in encoders),
        others=True,
        folder=smp_folders.read,
        stride=32,
    )


def _configured(checkpoint: Checkpoint) -> str:
    """The architecture that a saved configuration names."""
    said, channels = checkpoint.config["_model_class"], checkpoint.config.get("in_channels", 3)
    if said not in CLASSES:
        raise CheckpointError(
            f"{checkpoint.path} holds the class {said!r} of segmentation_models_pytorch, which no model of bench "
            f"runs: known are {', '.join(CLASSES)}"
        )
    if channels != 3:
        raise CheckpointError(f"{checkpoint.path} is a network for images of {channels} channels; bench gives it 3")
    return f"{CLASSES[said]}_{checkpoint.config.get('encoder_name', 'resnet34')}"


def _matches(
    network: str, told: Told, state: Mapping[str, Tensor], encoders: tuple[str, ...] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Encoders, with the keywords besides, whose network has weights of the very names and shapes of the state."""
    if encoders is None:
        encoders = _candidates(state)
    shapes = _shapes(state)
    try:
        widths = told(state)
    except KeyError as error:
        raise CheckpointError(f"the weights lack {error.args[0]}, which the decoder of every {network} has") from None
    outputs = int(state[kinds.SMP_HEAD].shape[0])
    for encoder in encoders:
        for depth in _depths(network, widths):
            keywords = {"encoder_depth": depth, **widths}
            if network == "PSPNet":
                keywords["upsampling"] = 2**depth
            # On the meta device a network has shapes but no numbers: it costs next to nothing.
            with torch.device("cpu" if encoder.startswith("mit_") else "meta"):
                try:
                    candidate = _make(network, {"encoder_name": encoder, **keywords, "classes": outputs})
                except (KeyError, ValueError):
                    continue
            if _shapes(candidate.state_dict()) == shapes:
                yield encoder, keywords


def _candidates(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    mark = next((mark for mark in ENCODERS if mark in state), None)
    if mark is None:
        return ()
    if "patch_embed1" not in mark:
        return ENCODERS[mark]
    # A Mix Transformer has no shapes without numbers: its size is told here.
    blocks = [len({name.split(".")[2] for name in state if name.startswith(f"encoder.block{n}.")}) for n in (2, 3)]
    size = MIT.get((int(state[mark].shape[0]), blocks[0], blocks[1]))
    return () if size is None else (f"mit_b{size}",)


def _depths(network: str, widths: Mapping[str, Any]) -> tuple[int, ...]:
    if "encoder_depth" in widths:
        return (widths["encoder_depth"],)
    default = inspect.signature(_class(network).__init__).parameters["encoder_depth"].default
    return (default, *(depth for depth in DEPTHS if depth != default))


def _make(network: str, keywords: Mapping[str, Any]) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: nn.Module = _class(network)(**keywords, encoder_weights=None)
    return made


def _class(network: str) -> Any:
    import segmentation_models_pytorch

    return getattr(segmentation_models_pytorch, network)


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {n: tuple(v.shape) for n, v in state.items() if not n.endswith("num_batches_tracked")}
