"""How a network in an exchange format becomes a model: what its file says, what a sidecar adds, what a trial run shows.

Adapters bring a `Runtime`, which hides who computes. Nothing is guessed that the scores depend on: what is assumed
stands in the record as a warning. This module knows no format and loads no runtime.
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
from bench.models.interchange.exchange_model import NO_CLASS, ExchangeModel, Intake, Outlet, Port, Runtime
from bench.models.interchange.sidecar import Kind, Layout, Sidecar
from bench.models.weights import labels
from bench.samples import Array

if TYPE_CHECKING:
    from bench.cards import Card

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TRIAL = 128
"""Side of the grey image that a network of free size is tried on."""
DTYPES = ("float32", "float16", "float64", "uint8", "int8")
ASSUMED = (
    "normalisation-assumed",
    "the network's file does not say how pixels become numbers: ImageNet's mean and std were assumed (--config)",
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
        raise CheckpointError(f"--model {adapter.name} needs the file of your network: --weights FILE ({description})")
    path = Path(str(options.weights)).expanduser()
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}; --model {adapter.name} takes {description}")
    if not path.stat().st_size:
        raise CheckpointError(f"{path} is empty; export or fetch it again")
    return path


def assemble(runtime: Runtime, card: Card, options: Options) -> ExchangeModel:
    """Make the model that predicts the classes of the card.

    Raises:
        CheckpointError: a network that takes no single image, gives no class for each pixel, or knows other classes; a
            sidecar that contradicts the file.
        UsageError: an input size that the network cannot take.
    """
    beside, said = sidecar.find(runtime.path, options.sidecar)
    intake = _intake(runtime, said, options, where=str(beside or runtime.path))
    side = -(-TRIAL // intake.stride) * intake.stride
    trial = np.full((*(intake.size or (side, side)), 3), 128, dtype=np.uint8)
    answered = {name: np.asarray(output) for name, output in runtime.answer(intake.array(trial)).items()}
    name = said.output or next(iter(answered))
    if name not in answered:
        raise CheckpointError(f"{beside}: {runtime.path} has no output {name!r}; it has {', '.join(answered)}")
    outlet, warnings = _outlet(runtime, said, card, name, answered[name])
    if options.confidence and outlet.axis is None:
        raise UsageError(f"{runtime.path} gives labels alone: calibration needs logits or probabilities")
    told = intake.normalise is not None and not said.tells_normalisation
    identity = {
        "kind": "model",
        "model": runtime.model,
        "architecture": runtime.architecture,
        "weights": runtime.path.name,
        "weights_digest": runtime.digest,
        "inside": "",
        "outputs": len(said.classes or card.classes),
        "parameters": runtime.parameters,
        "input": _described(intake),
        "output": {"name": name, "kind": outlet.kind, "classes": list(said.classes or ())},
        "warnings": [*warnings, *([ASSUMED] if told else [])],
    }
    batch_size = options.batch_size or 1
    settings = {
        "device": runtime.device,
        "batch_size": batch_size,
        "amp": False,
        "input_size": list(intake.size) if intake.size else None,
    }
    return ExchangeModel(runtime, intake, outlet, identity, settings, batch_size, confidence=options.confidence)


def renamed(model: ExchangeModel, told: Mapping[str, Any]) -> ExchangeModel:
    """The model with other words in its identity."""
    return replace(model, identity={**model.identity, **told})


def _intake(runtime: Runtime, said: Sidecar, options: Options, *, where: str) -> Intake:
    if len(runtime.inputs) != 1:
        names = ", ".join(port.name for port in runtime.inputs)
        raise CheckpointError(f"{runtime.path} takes {len(runtime.inputs)} inputs ({names}); bench gives it one image")
    port = runtime.inputs[0]
    shape = port.shape or (None,) * 4
    if len(shape) != 4 or shape[0] not in (None, 1):
        raise CheckpointError(
            f"{runtime.path} takes an input of shape {_shape(shape)}; bench gives one image of 4 dimensions, such as "
            "(1, 3, H, W): export the network so"
        )
    layout = _input_layout(runtime, shape, said)
    dtype = port.dtype or said.dtype or "float32"
    if said.dtype not in (None, dtype):
        raise CheckpointError(f"{runtime.path} takes {dtype}, not the {said.dtype} that dtype in {where} says")
    if dtype not in DTYPES:
        raise CheckpointError(f"{runtime.path} takes {dtype}; bench gives images as {', '.join(DTYPES)}: export it so")
    plain = dtype in ("uint8", "int8") and not said.tells_normalisation
    scale, mean, std = said.scale or 255.0, said.mean or (0.0, 0.0, 0.0), said.std or (1.0, 1.0, 1.0)
    normalise = (scale, mean, std) if said.tells_normalisation else (255.0, MEAN, STD)
    size = _size(runtime, shape[2:] if layout == "NCHW" else shape[1:3], said, options)
    fixed = None if plain else normalise
    return Intake(layout, dtype, size, said.stride, said.channels, fixed, port.scales, port.zeros)


def _input_layout(runtime: Runtime, shape: tuple[int | None, ...], said: Sidecar) -> Layout:
    """By the position of the three channels; by the sidecar or the format's custom where the file leaves it open."""
    fits: dict[Layout, int | None] = {"NCHW": shape[1], "NHWC": shape[3]}
    exact: list[Layout] = [layout for layout, channels in fits.items() if channels == 3]
    found = exact[0] if len(exact) == 1 else said.layout or runtime.layout
    if fits[found] not in (None, 3):
        raise CheckpointError(f"{runtime.path} takes an input of shape {_shape(shape)}, in which nothing holds R, G, B")
    if said.layout and said.layout != found:
        raise CheckpointError(
            f"{runtime.path} takes an input of shape {_shape(shape)}: it is {found}, not {said.layout}"
        )
    return found


def _size(runtime: Runtime, sides: tuple[int | None, ...], said: Sidecar, options: Options) -> tuple[int, int] | None:
    wanted = options.input_size or said.input_size
    height, width = sides
    if height is None or width is None:
        return wanted
    if wanted not in (None, (height, width)):
        raise UsageError(f"input size {wanted[0]}x{wanted[1]}: {runtime.path} takes {height}x{width} and no other")
    return height, width


def _outlet(
    runtime: Runtime, said: Sidecar, card: Card, name: str, answered: Array
) -> tuple[Outlet, tuple[tuple[str, str], ...]]:
    port = next((port for port in runtime.outputs if port.name == name), Port(name))
    kind = _kind(runtime, said, port, answered)
    classes, names = card.classes, said.classes
    if kind == "labels":
        table = np.full(max(classes.ignore + 1, len(names or ())), NO_CLASS, dtype=np.int64)
        table[classes.ignore] = classes.ignore
        warnings: tuple[tuple[str, str], ...] = ()
        table[: len(classes)] = np.arange(len(classes))
        if names:
            channels = labels.match(card, len(names), names, where=str(runtime.path))
            table[: len(names)] = classes.ignore
            for train_id, label in enumerate(channels.channels):
                if label != labels.UNKNOWN:
                    table[label] = train_id
            warnings = channels.warnings
        return Outlet(port, kind, None, (), table, classes.dtype), warnings
    axis = _class_axis(runtime, said, answered, len(names or classes))
    count = answered.shape[axis]
    if port.scales.size > 1 and (port.axis != axis or port.scales.size != count):
        raise CheckpointError(f"{runtime.path}: the output {name!r} has {port.scales.size} scales not of its classes")
    channels = labels.match(card, max(count, 2), names, where=str(runtime.path))
    known = [(channel, train_id) for train_id, channel in enumerate(channels.channels) if channel != labels.UNKNOWN]
    known += [(channel, classes.ignore) for channel in channels.unscored]
    train_ids = np.array([train_id for _, train_id in known])
    taken = tuple(channel for channel, _ in known)
    return Outlet(port, kind, axis - 1, taken, train_ids, classes.dtype), channels.warnings


def _kind(runtime: Runtime, said: Sidecar, port: Port, answered: Array) -> Kind:
    """Labels where the output is whole numbers without a scale, logits where it has several channels, else as told."""
    whole = answered.dtype.kind in "iub" and not port.scales.size
    sides = [side for side in answered.shape[1:] if side != 1]
    found: Kind | None = said.kind or ("labels" if whole and len(sides) == 2 else None)
    if found is None and answered.ndim == 4 and len(sides) == 3 and not whole:
        found = "logits"
    if found is None or len(sides) > (2 if found == "labels" else 3) or (found != "labels" and answered.ndim != 4):
        what = f"{answered.dtype} of shape {_shape(answered.shape)}"
        raise CheckpointError(
            f"{runtime.path} gives {port.name!r}, {what}, which is no {said.kind or 'label map and no logits'} of an "
            "image: say kind (labels, logits, probabilities) and output in its sidecar; boxes and masks of objects are "
            "not read from exported networks"
        )
    return found


def _class_axis(runtime: Runtime, said: Sidecar, answered: Array, wanted: int) -> int:
    """Where the classes lie: as told, else where their number is, else by the format's custom."""
    told = said.output_layout
    if told is None:
        fits: list[Layout] = []
        if answered.shape[1] in (wanted, 1):
            fits.append("NCHW")
        if answered.shape[3] in (wanted, 1):
            fits.append("NHWC")
        told = fits[0] if len(fits) == 1 else runtime.layout
    return 1 if told == "NCHW" else 3


def _described(intake: Intake) -> dict[str, Any]:
    scale, mean, std = intake.normalise or (None, (), ())
    return {
        "layout": intake.layout,
        "dtype": intake.dtype,
        "channels": intake.channels,
        "stride": intake.stride,
        "scale": scale,
        "mean": list(mean),
        "std": list(std),
    }


def _shape(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("?" if side is None else str(side) for side in shape) + ")"
