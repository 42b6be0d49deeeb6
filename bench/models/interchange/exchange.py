"""Makes a model of a network that is stored as a whole in one file.

What its input and output mean comes from the file, then from a sidecar (a TOML file beside it),
then from a trial run. Nothing that the scores depend on is guessed silently: assumptions are
warnings in the record. Adapters bring a `Runtime`, which runs the network; this module knows no
format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import CheckpointError, UsageError
from bench.models.contract.adapter import Adapter, NetworkFile
from bench.models.contract.options import Options, refuse_unsupported
from bench.models.interchange import sidecar
from bench.models.interchange.exchange_model import (
    ExchangeModel,
    InputFormat,
    Port,
    Runtime,
)
from bench.models.interchange.output_format import output_format_of, shape_text
from bench.models.interchange.sidecar import Layout, Sidecar
from bench.samples import Array

if TYPE_CHECKING:
    from bench.cards import Card

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, for pixels in [0, 1]."""
TRIAL_SIDE = 128
"""Side of the grey image of the trial run, if the network takes images of any size."""
DTYPES = ("float32", "float16", "float64", "uint8", "int8")
NORMALISATION_ASSUMED = (
    "normalisation-assumed",
    (
        "the network's file does not say how pixels are normalised: ImageNet's mean and std were "
        "assumed (--config sets them)"
    ),
)


def file_of(adapter: Adapter, options: Options) -> Path:
    """The file of the network.

    Raises:
        CheckpointError: no file is named, or it does not exist.
        UsageError: an option that exported networks do not support.
    """
    if not isinstance(adapter.weights, NetworkFile):
        raise TypeError(f"{adapter.name} is not an adapter of network files")
    description = adapter.weights.description
    refuse_unsupported(adapter.name, options, adapter.tasks["semantic"])
    if options.weights in (None, "DEFAULT"):
        raise CheckpointError(
            f"--model {adapter.name} needs the file of your network: --weights FILE ({description})"
        )
    path = Path(str(options.weights)).expanduser()
    if not path.is_file():
        raise CheckpointError(
            f"there is no file {path}; --model {adapter.name} takes {description}"
        )
    if not path.stat().st_size:
        raise CheckpointError(f"{path} is empty; export or fetch it again")
    return path


def assemble(runtime: Runtime, card: Card, options: Options) -> ExchangeModel:
    """Make the model that predicts the classes of the card.

    Raises:
        CheckpointError: a network that does not take a single image, does not return a class for
            each pixel, or knows other classes; a sidecar that contradicts the file.
        UsageError: an input size that the network cannot take.
    """
    sidecar_path, stated = sidecar.find(runtime.path, options.sidecar)
    where = str(sidecar_path or runtime.path)
    input_format = _input_format(runtime, stated, options, where=where)
    outputs = _trial_outputs(runtime, input_format)
    name = stated.output or next(iter(outputs))
    if name not in outputs:
        raise CheckpointError(
            f"{sidecar_path}: {runtime.path} has no output {name!r}; it has {', '.join(outputs)}"
        )
    output_format, warnings = output_format_of(runtime, stated, card, name, outputs[name])
    if options.confidence and output_format.axis is None:
        raise UsageError(
            f"{runtime.path} returns labels only, but calibration needs logits or probabilities"
        )
    if input_format.normalise is not None and not stated.has_normalisation:
        warnings = (*warnings, NORMALISATION_ASSUMED)
    identity = {
        "kind": "model",
        "model": runtime.model,
        "architecture": runtime.architecture,
        "weights": runtime.path.name,
        "weights_digest": runtime.digest,
        "inside": "",
        "outputs": len(stated.classes or card.classes),
        "parameters": runtime.parameters,
        "input": _recorded(input_format),
        "output": {
            "name": name,
            "kind": output_format.kind,
            "classes": list(stated.classes or ()),
        },
        "warnings": [*warnings],
    }
    batch_size = options.batch_size or 1
    settings = {
        "device": runtime.device,
        "batch_size": batch_size,
        "amp": False,
        "input_size": list(input_format.size) if input_format.size else None,
    }
    return ExchangeModel(
        runtime,
        input_format,
        output_format,
        identity,
        settings,
        batch_size,
        confidence=options.confidence,
    )


def renamed(model: ExchangeModel, entries: Mapping[str, Any]) -> ExchangeModel:
    """The model with other entries in its identity."""
    return replace(model, identity={**model.identity, **entries})


def _trial_outputs(runtime: Runtime, input_format: InputFormat) -> dict[str, Array]:
    """All outputs of the network for a grey image, by name."""
    stride = input_format.stride
    side = -(-TRIAL_SIDE // stride) * stride  # rounded up to a multiple of the stride
    size = input_format.size or (side, side)
    image = np.full((*size, 3), 128, dtype=np.uint8)
    outputs = runtime.answer(input_format.array(image))
    return {name: np.asarray(output) for name, output in outputs.items()}


def _input_format(
    runtime: Runtime, stated: Sidecar, options: Options, *, where: str
) -> InputFormat:
    port, shape = _image_input(runtime)
    layout = _input_layout(runtime, shape, stated)
    dtype = port.dtype or stated.dtype or "float32"
    if stated.dtype not in (None, dtype):
        raise CheckpointError(
            f"{runtime.path} takes {dtype}, but dtype in {where} is {stated.dtype}"
        )
    if dtype not in DTYPES:
        raise CheckpointError(
            f"{runtime.path} takes {dtype}, but bench passes images as {', '.join(DTYPES)}: "
            "export it for one of these"
        )
    sides = shape[2:] if layout == "NCHW" else shape[1:3]
    return InputFormat(
        layout=layout,
        dtype=dtype,
        size=_size(runtime, sides, stated, options),
        stride=stated.stride,
        channels=stated.channels,
        normalise=_normalisation(stated, dtype),
        scales=port.scales,
        zeros=port.zeros,
    )


def _image_input(runtime: Runtime) -> tuple[Port, tuple[int | None, ...]]:
    """The only input, and its shape, which must be that of one image."""
    if len(runtime.inputs) != 1:
        names = ", ".join(port.name for port in runtime.inputs)
        raise CheckpointError(
            f"{runtime.path} takes {len(runtime.inputs)} inputs ({names}); bench passes it one "
            "image"
        )
    port = runtime.inputs[0]
    shape = port.shape or (None,) * 4
    if len(shape) != 4 or shape[0] not in (None, 1):
        raise CheckpointError(
            f"{runtime.path} takes an input of shape {shape_text(shape)}, but bench passes one "
            "image of 4 dimensions, such as (1, 3, H, W): export the network for that"
        )
    return port, shape


def _normalisation(
    stated: Sidecar, dtype: str
) -> tuple[float, tuple[float, ...], tuple[float, ...]] | None:
    """Scale, mean and std of the input; None for integers that take the pixels as they are."""
    if stated.has_normalisation:
        return stated.scale or 255.0, stated.mean or (0.0, 0.0, 0.0), stated.std or (1.0, 1.0, 1.0)
    if dtype in ("uint8", "int8"):
        return None
    return 255.0, MEAN, STD


def _input_layout(runtime: Runtime, shape: tuple[int | None, ...], stated: Sidecar) -> Layout:
    """By the axis of the three channels; if that is open, by the sidecar or the format's custom."""
    channels: dict[Layout, int | None] = {"NCHW": shape[1], "NHWC": shape[3]}
    of_three: list[Layout] = [layout for layout, count in channels.items() if count == 3]
    layout = of_three[0] if len(of_three) == 1 else stated.layout or runtime.layout
    if channels[layout] not in (None, 3):
        raise CheckpointError(
            f"{runtime.path} takes an input of shape {shape_text(shape)}, in which no axis can "
            "hold R, G and B"
        )
    if stated.layout and stated.layout != layout:
        raise CheckpointError(
            f"{runtime.path} takes an input of shape {shape_text(shape)}: its layout is {layout}, "
            f"not {stated.layout}"
        )
    return layout


def _size(
    runtime: Runtime, sides: tuple[int | None, ...], stated: Sidecar, options: Options
) -> tuple[int, int] | None:
    """Height and width of the input; None if the network takes images of any size."""
    wanted = options.input_size or stated.input_size
    height, width = sides
    if height is None or width is None:
        return wanted
    if wanted not in (None, (height, width)):
        raise UsageError(
            f"input size {wanted[0]}x{wanted[1]}: {runtime.path} takes {height}x{width} only"
        )
    return height, width


def _recorded(input_format: InputFormat) -> dict[str, Any]:
    """The format of the input as the record shows it."""
    scale, mean, std = input_format.normalise or (None, (), ())
    return {
        "layout": input_format.layout,
        "dtype": input_format.dtype,
        "channels": input_format.channels,
        "stride": input_format.stride,
        "scale": scale,
        "mean": list(mean),
        "std": list(std),
    }
