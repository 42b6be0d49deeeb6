"""What the output of an exported network means: labels, logits or probabilities.

The sidecar says so; what it leaves out follows from the dtype and shape of a trial output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.errors import CheckpointError
from bench.models.interchange.exchange_model import NO_CLASS, OutputFormat, Port, Runtime
from bench.models.interchange.sidecar import Layout, OutputKind, Sidecar
from bench.models.weights import labels
from bench.samples import Array

if TYPE_CHECKING:
    from bench.cards import Card


def output_format_of(
    runtime: Runtime, stated: Sidecar, card: Card, name: str, output: Array
) -> tuple[OutputFormat, tuple[tuple[str, str], ...]]:
    """What the output of this name means, and the warnings about its classes.

    Raises:
        CheckpointError: an output that is neither labels nor logits of the card's classes, or
            whose quantisation scales do not belong to its classes.
    """
    port = next((port for port in runtime.outputs if port.name == name), Port(name))
    kind = _output_kind(runtime, stated, port, output)
    if kind == "labels":
        return _label_output(runtime, stated, card, port)
    classes, names = card.classes, stated.classes
    axis = _class_axis(runtime, stated, output, len(names or classes))
    count = output.shape[axis]
    if port.scales.size > 1 and (port.axis != axis or port.scales.size != count):
        raise CheckpointError(
            f"{runtime.path}: the output {name!r} has {port.scales.size} quantisation scales, "
            "which do not belong to its classes"
        )
    # A single channel stands for two classes (see `OutputFormat.planes`).
    channels = labels.match(card, max(count, 2), names, where=str(runtime.path))
    channel_train_ids = [
        (channel, train_id)
        for train_id, channel in enumerate(channels.channels)
        if channel != labels.UNKNOWN
    ]
    channel_train_ids += [(channel, classes.ignore) for channel in channels.unscored]
    meaning = OutputFormat(
        port=port,
        kind=kind,
        axis=axis - 1,
        channels=tuple(channel for channel, _ in channel_train_ids),
        train_ids=np.array([train_id for _, train_id in channel_train_ids]),
        dtype=classes.dtype,
    )
    return meaning, channels.warnings


def _label_output(
    runtime: Runtime, stated: Sidecar, card: Card, port: Port
) -> tuple[OutputFormat, tuple[tuple[str, str], ...]]:
    """An output of labels, with a look-up table from labels to train ids."""
    classes, names = card.classes, stated.classes
    table = np.full(max(classes.ignore + 1, len(names or ())), NO_CLASS, dtype=np.int64)
    table[classes.ignore] = classes.ignore
    table[: len(classes)] = np.arange(len(classes))
    # Without names, labels are the card's train ids. With names, every label that no class of the
    # card has is valid but not scored, so it is read as the ignored value.
    warnings: tuple[tuple[str, str], ...] = ()
    if names:
        channels = labels.match(card, len(names), names, where=str(runtime.path))
        table[: len(names)] = classes.ignore
        for train_id, label in enumerate(channels.channels):
            if label != labels.UNKNOWN:
                table[label] = train_id
        warnings = channels.warnings
    return OutputFormat(port, "labels", None, (), table, classes.dtype), warnings


def _output_kind(runtime: Runtime, stated: Sidecar, port: Port, output: Array) -> OutputKind:
    """Labels, logits or probabilities: as stated, else by dtype and shape of the trial output.

    Integers without a quantisation scale, with at most two axes longer than 1, are labels; real
    numbers with several channels are logits.
    """
    is_integer = output.dtype.kind in "iub" and not port.scales.size
    # Axes of length 1 carry nothing, so (1, 1, H, W) and (1, H, W) are both two-dimensional.
    axes = sum(side != 1 for side in output.shape[1:])
    kind = stated.kind
    if kind is None and is_integer and axes == 2:
        kind = "labels"
    if kind is None and not is_integer and axes == 3 and output.ndim == 4:
        kind = "logits"
    if kind == "labels" and axes <= 2:
        return kind
    if kind in ("logits", "probabilities") and axes <= 3 and output.ndim == 4:
        return kind
    expected = stated.kind or "neither labels nor logits"
    problem = f"not {expected}" if stated.kind else expected
    raise CheckpointError(
        f"{runtime.path} returns {port.name!r}, {output.dtype} of shape "
        f"{shape_text(output.shape)}, which is {problem} of an image: set kind (labels, logits, "
        "probabilities) and output in its sidecar; boxes and masks of objects are not read "
        "from exported networks"
    )


def _class_axis(runtime: Runtime, stated: Sidecar, output: Array, classes: int) -> int:
    """The axis of the classes: as stated, else by their number, else by the format's custom."""
    layout = stated.output_layout
    if layout is None:
        axes: dict[Layout, int] = {"NCHW": output.shape[1], "NHWC": output.shape[3]}
        # A single channel may stand for two classes. If both axes fit, the format's custom decides.
        fitting = [candidate for candidate, length in axes.items() if length in (classes, 1)]
        layout = fitting[0] if len(fitting) == 1 else runtime.layout
    return 1 if layout == "NCHW" else 3


def shape_text(shape: tuple[int | None, ...]) -> str:
    """A shape in messages, with ? for a side of any length."""
    return "(" + ", ".join("?" if side is None else str(side) for side in shape) + ")"
