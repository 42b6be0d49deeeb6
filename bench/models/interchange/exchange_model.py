"""Runs an exported network: from images to its input, from its output to label maps, in NumPy.

Networks get one image at a time. This module knows no format, no runtime and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError, CheckpointError, PredictionError
from bench.images import resize_nearest
from bench.models.interchange import planes
from bench.models.interchange.sidecar import Layout, OutputKind
from bench.samples import Array, Image, LabelMap, Prediction

Size = tuple[int, int]
NO_CLASS = -1
"""Entry of a look-up table for a label that is not a class."""


@dataclass(frozen=True, eq=False)
class Port:
    """An input or output as the file describes it.

    Attributes:
        name: its name.
        shape: its sides, None for a free side; None if the file does not say.
        dtype: its dtype, None if the file does not say.
        scales: quantisation scales: none, one, or one for each slice along `axis`.
        zeros: quantisation zero points, as many as `scales`.
        axis: the axis of the scales.
    """

    name: str
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None
    scales: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    zeros: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    axis: int = 0


@dataclass(frozen=True, eq=False)
class Runtime:
    """A loaded network; `run` takes the input and returns all outputs by name, in their order."""

    model: str
    architecture: str
    path: Path
    digest: str
    device: str
    layout: Layout
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    run: Callable[[Array], Mapping[str, Array]]
    parameters: int | None = None

    def answer(self, array: Array) -> Mapping[str, Array]:
        """The outputs for an input.

        Raises:
            CheckpointError: the network does not run; the message has the runtime's reason.
        """
        try:
            return self.run(array)
        except BenchError:
            raise
        except Exception as error:  # noqa: BLE001 - runtimes and networks raise many types
            shape = " x ".join(str(side) for side in array.shape)
            lines = [line for line in str(error).strip().splitlines() if line]
            reason = lines[-1] if lines else type(error).__name__
            raise CheckpointError(
                f"{self.path} does not run on an input of {shape} ({array.dtype}): {reason[:160]}; "
                f"{self.path.stem}.toml can set input_size, layout, dtype and stride"
            ) from None


@dataclass(frozen=True, eq=False)
class InputFormat:
    """What the network takes.

    Attributes:
        layout: the order of the axes.
        dtype: the dtype of the input.
        size: (height, width); None for the image's own size.
        stride: height and width are padded to multiples of it.
        channels: "RGB" or "BGR".
        normalise: scale, mean and std; None passes the pixels as they are (minus 128 for int8).
        scales: the quantisation scale of the input, if any.
        zeros: its quantisation zero point, if any.
    """

    layout: Layout
    dtype: str
    size: Size | None
    stride: int
    channels: str
    normalise: tuple[float, tuple[float, ...], tuple[float, ...]] | None
    scales: Array
    zeros: Array

    def array(self, image: Image) -> Array:
        """The input for an image of the right size: (1, 3, H, W) or (1, H, W, 3)."""
        pixels: Array = image[..., ::-1] if self.channels == "BGR" else image
        if self.normalise is not None:
            pixels = self._normalised(pixels, *self.normalise)
        elif self.dtype == "int8":
            pixels = pixels.astype(np.int16) - 128
        ordered = pixels.transpose(2, 0, 1) if self.layout == "NCHW" else pixels
        return np.ascontiguousarray(ordered[None], dtype=self.dtype)

    def _normalised(
        self, pixels: Array, scale: float, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> Array:
        means, deviations = np.asarray(mean, dtype=np.float32), np.asarray(std, dtype=np.float32)
        values = (pixels.astype(np.float32) / np.float32(scale) - means) / deviations
        if self.dtype.startswith("float"):
            return np.asarray(values)
        # An integer input takes the normalised values, quantised by the parameters of the file.
        quantised: Array = values
        if self.scales.size:
            quantised = values / self.scales[0] + self.zeros[0]
        limits = np.iinfo(self.dtype)
        return np.asarray(np.clip(np.rint(quantised), limits.min, limits.max))


@dataclass(frozen=True, eq=False)
class OutputFormat:
    """What the network returns, and what its labels or channels mean.

    Attributes:
        port: the output.
        kind: labels, logits or probabilities.
        axis: the axis of the classes in the output without its batch axis; None for labels.
        channels: channels of the output with known classes.
        train_ids: look-up table from labels, or from indices of `channels`, to train ids;
            `NO_CLASS` for labels that are not a class.
        dtype: the dtype of label maps.
    """

    port: Port
    kind: OutputKind
    axis: int | None
    channels: tuple[int, ...]
    train_ids: Array
    dtype: type[np.uint8 | np.uint16]

    def planes(self, output: Array) -> list[Array]:
        """The planes of the known classes, in the order of `channels`.

        A single plane stands for the second of two classes: the first is its complement.
        """
        by_class = np.moveaxis(output, self.axis or 0, 0)
        values = list(planes.dequantised(by_class, self.port.scales, self.port.zeros))
        if len(values) == 1:
            first = np.zeros_like(values[0]) if self.kind == "logits" else 1 - values[0]
            values = [first, values[0]]
        return [values[channel] for channel in self.channels]

    def labels(self, output: Array, *, where: str) -> Array:
        """Labels as train ids, (h, w).

        Raises:
            PredictionError: a label that is not a class.
        """
        sides = [side for side in output.shape if side != 1] or [1, 1]
        flat = output.reshape(sides)
        values = np.clip(flat, 0, len(self.train_ids) - 1).astype(np.int64)
        labels = self.train_ids[values]
        # `values` differs from the output for labels beyond the table and for fractions.
        wrong = (labels == NO_CLASS) | (values != flat)
        if bool(wrong.any()):
            raise PredictionError(
                f"{where} returns the label {flat[wrong][0]}, which is not a class of the card (it "
                f"has {int((self.train_ids != NO_CLASS).sum())} labels); name all classes of the "
                "network with classes = [...]"
            )
        return labels.astype(self.dtype)


@dataclass(frozen=True, eq=False)
class ExchangeModel:
    """An exported network that gives each pixel a class."""

    runtime: Runtime
    input_format: InputFormat
    output_format: OutputFormat
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    batch_size: int
    confidence: bool = False
    task: str = "semantic"

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Predict images of any sizes, each (H, W, 3) uint8 RGB.

        Label maps of train ids come back in each image's own size.

        Raises:
            PredictionError: the network returns NaN, or labels that are not classes.
            CheckpointError: the network does not run on an image of this size.
        """
        return [self._predict_one(image) for image in images]

    def _predict_one(self, image: Image) -> LabelMap:
        """Resize, pad, run, resize the output to the padded size, cut the padding, resize back."""
        size = (image.shape[0], image.shape[1])
        resized = planes.resize_image(image, self.input_format.size or size)
        padded = planes.pad(resized, self.input_format.stride)
        output = self._output(padded, size)
        kept, whole = resized.shape[:2], padded.shape[:2]
        if self.output_format.axis is None:
            labels = self.output_format.labels(output, where=str(self.runtime.path))
            if kept != whole:
                labels = resize_nearest(labels, whole)[: kept[0], : kept[1]]
            return LabelMap(resize_nearest(labels, size))
        stack = self.output_format.planes(output)
        if kept != whole:
            stack = [planes.resize_plane(plane, whole)[: kept[0], : kept[1]] for plane in stack]
        # One plane at a time, unless confidence needs them all at once: with many classes they
        # take far more memory than the image.
        final = (planes.resize_plane(plane, size) for plane in stack)
        if not self.confidence:
            return LabelMap(self._train_ids(planes.largest(final, size)))
        all_planes = list(final)
        logits = self.output_format.kind == "logits"
        confidence = planes.confidence(all_planes, logits=logits)
        labels = self._train_ids(planes.largest(all_planes, size))
        return LabelMap(labels, confidence=confidence)

    def _output(self, padded: Image, size: Size) -> Array:
        """The output for an image, without its batch axis."""
        outputs = self.runtime.answer(self.input_format.array(padded))
        output: Array = outputs[self.output_format.port.name][0]
        if output.dtype.kind == "f" and bool(np.isnan(output).any()):
            raise PredictionError(
                f"{self.runtime.path} returns NaN for an image of {size[1]} x {size[0]}"
            )
        return output

    def _train_ids(self, indices: Array) -> Array:
        return self.output_format.train_ids[indices].astype(self.output_format.dtype)
