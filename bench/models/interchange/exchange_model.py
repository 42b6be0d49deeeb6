"""A network in an exchange format at work: from images to its input, from its output to label maps, in NumPy.

Networks see one image at a time, whoever computes. This module knows no format, no runtime and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench import images as pictures
from bench.errors import BenchError, CheckpointError, PredictionError
from bench.models.interchange import planes
from bench.models.interchange.sidecar import Kind, Layout
from bench.samples import Array, Image, LabelMap, Prediction

Size = tuple[int, int]
NO_CLASS = -1
"""Entry of a look-up table for a label that stands for nothing."""


@dataclass(frozen=True, eq=False)
class Port:
    """An input or output as the file describes it: None where the file is silent or a side is free.

    `scales` and `zeros` are the parameters of quantisation: none, one, or one for each slice along `axis`.
    """

    name: str
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None
    scales: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    zeros: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    axis: int = 0


@dataclass(frozen=True, eq=False)
class Runtime:
    """A network ready to compute: `run` takes the input and gives all outputs by name, in their order."""

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

    def answer(self, given: Array) -> Mapping[str, Array]:
        """What the network gives for an input.

        Raises:
            CheckpointError: it does not run; the message has the first line of what the runtime says.
        """
        try:
            return self.run(given)
        except BenchError:
            raise
        except Exception as error:  # noqa: BLE001 - runtimes and networks raise what they like
            shape = " x ".join(str(side) for side in given.shape)
            reason = next((line for line in reversed(str(error).strip().splitlines()) if line), type(error).__name__)
            raise CheckpointError(
                f"{self.path} does not run on an input of {shape} ({given.dtype}): {reason[:160]}; "
                f"input_size, layout, dtype and stride can be said in {self.path.stem}.toml"
            ) from None


@dataclass(frozen=True, eq=False)
class Intake:
    """What the network is given: its layout, dtype, size (None: the image's own), and how pixels become numbers.

    `normalise` is scale, mean and std; None gives the pixels as they are (for int8 less 128).
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
        """The input made of an image that has the right size: (1, 3, H, W) or (1, H, W, 3)."""
        pixels: Array = image[..., ::-1] if self.channels == "BGR" else image
        if self.normalise is not None:
            pixels = self._normal(pixels, *self.normalise)
        elif self.dtype == "int8":
            pixels = pixels.astype(np.int16) - 128
        ordered = pixels.transpose(2, 0, 1) if self.layout == "NCHW" else pixels
        return np.ascontiguousarray(ordered[None], dtype=self.dtype)

    def _normal(self, pixels: Array, scale: float, mean: tuple[float, ...], std: tuple[float, ...]) -> Array:
        middle, spread = np.asarray(mean, dtype=np.float32), np.asarray(std, dtype=np.float32)
        found = (pixels.astype(np.float32) / np.float32(scale) - middle) / spread
        if self.dtype.startswith("float"):
            return np.asarray(found)
        steps: Array = found / self.scales[0] + self.zeros[0] if self.scales.size else found
        limits = np.iinfo(self.dtype)
        return np.asarray(np.clip(np.rint(steps), limits.min, limits.max))


@dataclass(frozen=True, eq=False)
class Outlet:
    """What the network answers with: which output, of which kind, and what its labels or channels stand for.

    `axis` is that of the classes in the output without its batch, None for labels; `channels` are the output's
    channels of known classes; `train_ids` translates labels, or positions in `channels`, `NO_CLASS` for none.
    """

    port: Port
    kind: Kind
    axis: int | None
    channels: tuple[int, ...]
    train_ids: Array
    dtype: type[np.uint8 | np.uint16]

    def planes(self, output: Array) -> list[Array]:
        """The planes of the known classes; a single plane speaks for the second of two classes."""
        found = list(planes.dequantised(np.moveaxis(output, self.axis or 0, 0), self.port.scales, self.port.zeros))
        if len(found) == 1:
            found = [np.zeros_like(found[0]) if self.kind == "logits" else 1 - found[0], found[0]]
        return [found[channel] for channel in self.channels]

    def labels(self, output: Array, *, where: str) -> Array:
        """Labels as train ids, (h, w).

        Raises:
            PredictionError: a label that is no class.
        """
        flat = output.reshape([side for side in output.shape if side != 1] or [1, 1])
        values = np.clip(flat, 0, len(self.train_ids) - 1).astype(np.int64)
        found = self.train_ids[values]
        wrong = (found == NO_CLASS) | (values != flat)
        if bool(wrong.any()):
            raise PredictionError(
                f"{where} gives the label {flat[wrong][0]}, which is no class of the card: it has "
                f"{int((self.train_ids != NO_CLASS).sum())} labels; name all of the network's with classes = [...]"
            )
        return found.astype(self.dtype)


@dataclass(frozen=True, eq=False)
class ExchangeModel:
    """A network in an exchange format that gives each pixel a class."""

    runtime: Runtime
    intake: Intake
    outlet: Outlet
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    batch_size: int
    confidence: bool = False
    task: str = "semantic"

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Predict images of any sizes, each (H, W, 3) uint8 RGB; label maps of train ids in each image's own size.

        Raises:
            PredictionError: the network gives NaN, or labels that are no classes.
            CheckpointError: the network does not run on an image of this size.
        """
        return [self._one(image) for image in images]

    def _one(self, image: Image) -> LabelMap:
        height, width = image.shape[:2]
        wanted = planes.resize_image(image, self.intake.size or (height, width))
        whole = planes.pad(wanted, self.intake.stride)
        output = self.runtime.answer(self.intake.array(whole))[self.outlet.port.name][0]
        if output.dtype.kind == "f" and bool(np.isnan(output).any()):
            raise PredictionError(f"{self.runtime.path} gives NaN for an image of {width} x {height}")
        kept, size = (wanted.shape[0], wanted.shape[1]), (height, width)
        if self.outlet.axis is None:
            found = self.outlet.labels(output, where=str(self.runtime.path))
            if kept != whole.shape[:2]:
                found = pictures.resize_nearest(found, whole.shape[:2])[: kept[0], : kept[1]]
            return LabelMap(pictures.resize_nearest(found, size))
        stack = self.outlet.planes(output)
        if kept != whole.shape[:2]:
            stack = [planes.resize_plane(plane, whole.shape[:2])[: kept[0], : kept[1]] for plane in stack]
        resized = (planes.resize_plane(plane, size) for plane in stack)
        if not self.confidence:
            return LabelMap(self._train_ids(planes.largest(resized, size)))
        held = list(resized)
        sure = planes.confidence(held, logits=self.outlet.kind == "logits")
        return LabelMap(self._train_ids(planes.largest(held, size)), confidence=sure)

    def _train_ids(self, positions: Array) -> Array:
        return self.outlet.train_ids[positions].astype(self.outlet.dtype)
