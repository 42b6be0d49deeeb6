"""The networks of segmentation_models_pytorch, built from a saved configuration or from weights.

Weights reveal the encoder, its depth and the widths of the decoder. What leaves no trace in them,
such as dilation rates, is assumed to be the library's default. This module knows no card.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import CheckpointError
from bench.models.contract import catalogue
from bench.models.contract.adapter import Adapter, SegmentationModelsPytorch, StateDict
from bench.models.contract.blueprint import Blueprint
from bench.models.contract.smp import SMP_HEAD
from bench.models.weights import smp_folders
from bench.models.weights.checkpoints import Checkpoint

KeywordsOf = Callable[[Mapping[str, Tensor]], dict[str, Any]]
"""Keywords of a class of the library that the names and shapes of tensors reveal."""

ENCODERS = {
    "encoder.layer1.0.conv1.weight": (
        *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
        *("resnext50_32x4d", "resnext101_32x8d"),
        *("se_resnet50", "se_resnext50_32x4d", "se_resnet101"),
    ),
    "encoder.features.0.0.weight": ("mobilenet_v2",),
    "encoder._conv_stem.weight": tuple(f"efficientnet-b{size}" for size in range(8)),
    "encoder.features.0.weight": (
        *("vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"),
    ),
    "encoder.features.conv0.weight": ("densenet121", "densenet169", "densenet201", "densenet161"),
    "encoder.patch_embed1.proj.weight": tuple(f"mit_b{size}" for size in range(6)),
}
"""A tensor that only one group of encoders has, and the encoders of the group, tried in turn."""
MIX_TRANSFORMERS = {
    (32, 2, 2): "mit_b0",
    (64, 2, 2): "mit_b1",
    (64, 3, 6): "mit_b2",
    (64, 3, 18): "mit_b3",
    (64, 8, 27): "mit_b4",
    (64, 6, 40): "mit_b5",
}
"""By width of the first stage, and blocks of the second and third stage."""
DEPTHS = (5, 4, 3)
"""Depths of encoders that are tried, after the default of the class."""
NOT_FROM_CONFIG = ("encoder_weights", "classes", "activation", "aux_params")
"""Keywords of a saved configuration that are replaced.

Nothing is downloaded, the classes are those of the weights, the output is plain logits, and there
is no second head.
"""


def blueprint(adapter: Adapter, keywords_of: KeywordsOf, *, assumes: str = "") -> Blueprint:
    """The blueprint of an adapter whose networks are a class of the library."""
    network = _class_name(adapter)

    def recognise(checkpoint: Checkpoint) -> str | None:
        if checkpoint.config:
            return _configured(checkpoint)
        if catalogue.recognise(checkpoint.state) is not adapter:
            return None
        match = next(_matches(network, keywords_of, checkpoint.state), None)
        return f"{adapter.name}_{match[0]}" if match else None

    def build(architecture: str, checkpoint: Checkpoint, outputs: int) -> nn.Module:
        encoder = architecture.partition("_")[2]
        if checkpoint.config:
            config = checkpoint.config
            keywords = {key: config[key] for key in config if key not in NOT_FROM_CONFIG}
        else:
            matches = _matches(network, keywords_of, checkpoint.state, (encoder,))
            keywords = {"encoder_name": encoder, **next(matches, (encoder, {}))[1]}
        try:
            return _make(network, {**keywords, "classes": outputs})
        except Exception as error:  # noqa: BLE001 - the library raises many types for a bad file
            raise CheckpointError(
                f"{checkpoint.path}: segmentation_models_pytorch cannot build {architecture}: "
                f"{smp_folders.first_sentence(error)}"
            ) from None

    return Blueprint(
        name=adapter.name,
        recognise=recognise,
        build=build,
        head="segmentation_head.",
        architectures=tuple(
            f"{adapter.name}_{encoder}" for group in ENCODERS.values() for encoder in group
        ),
        open_ended=True,
        folder=smp_folders.read,
        stride=32,
        assumes=assumes,
    )


def _class_name(adapter: Adapter) -> str:
    weights = adapter.weights
    if isinstance(weights, StateDict) and isinstance(weights.library, SegmentationModelsPytorch):
        return weights.library.network
    raise TypeError(f"{adapter.name} is not an adapter of segmentation_models_pytorch")


def _configured(checkpoint: Checkpoint) -> str:
    """The architecture that a saved configuration names."""
    network = checkpoint.config["_model_class"]
    adapter = catalogue.of_smp(network)
    if adapter is None:
        class_names = [
            _class_name(adapter_)
            for adapter_ in catalogue.adapters()
            if isinstance(adapter_.weights, StateDict)
            and isinstance(adapter_.weights.library, SegmentationModelsPytorch)
        ]
        raise CheckpointError(
            f"{checkpoint.path} holds the class {network!r} of segmentation_models_pytorch, which "
            f"no adapter runs: known are {', '.join(class_names)}"
        )
    channels = checkpoint.config.get("in_channels", 3)
    if channels != 3:
        raise CheckpointError(
            f"{checkpoint.path} is a network for images of {channels} channels; bench images have 3"
        )
    return f"{adapter.name}_{checkpoint.config.get('encoder_name', 'resnet34')}"


def _matches(
    network: str,
    keywords_of: KeywordsOf,
    state: Mapping[str, Tensor],
    encoders: tuple[str, ...] | None = None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Encoders, with keywords, whose network has exactly the names and shapes of the weights.

    The shapes of a candidate are compared with those of the weights: an encoder cannot be
    recognised by single names, because families such as ResNet and ResNeXt share all of them.
    """
    if encoders is None:
        encoders = _candidates(state)
    shapes = _shapes(state)
    try:
        widths = keywords_of(state)
    except KeyError as error:
        raise CheckpointError(
            f"the weights lack {error.args[0]}, which the decoder of every {network} has"
        ) from None
    outputs = int(state[SMP_HEAD].shape[0])
    for encoder in encoders:
        for depth in _depths(network, widths):
            keywords = {"encoder_depth": depth, **widths}
            if network == "PSPNet":
                keywords["upsampling"] = 2**depth
            # A network on the meta device has shapes but no numbers, so that building it costs
            # next to nothing. Mix Transformers read numbers while they are built.
            with torch.device("cpu" if encoder.startswith("mit_") else "meta"):
                try:
                    candidate = _make(
                        network, {"encoder_name": encoder, **keywords, "classes": outputs}
                    )
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
    # A Mix Transformer is slow to build (see `_matches`), so its size is read from the weights.
    blocks = [
        len({name.split(".")[2] for name in state if name.startswith(f"encoder.block{stage}.")})
        for stage in (2, 3)
    ]
    encoder = MIX_TRANSFORMERS.get((int(state[mark].shape[0]), blocks[0], blocks[1]))
    return () if encoder is None else (encoder,)


def _depths(network: str, widths: Mapping[str, Any]) -> tuple[int, ...]:
    if "encoder_depth" in widths:
        return (widths["encoder_depth"],)
    parameters = inspect.signature(_class(network).__init__).parameters
    default = parameters["encoder_depth"].default
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
    return {
        name: tuple(value.shape)
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }
