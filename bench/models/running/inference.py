"""From images to label maps: normalise, resize, pad, run the network, resize the logits, argmax.

On a GPU a tie between two classes may be decided differently in another batch; on the CPU each
image goes alone. This module knows neither ground truth, nor files, nor checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import PredictionError, UsageError
from bench.models.contract.options import Options
from bench.models.running import augmentation, windows
from bench.models.running.batches import Batches
from bench.models.running.compiling import Compiled
from bench.samples import Image, LabelMap, Prediction

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet, for pixels in [0, 1]: nearly all networks of this kind were trained with them."""
BATCH_SIZES = {"cpu": 4, "cuda": 8}


@dataclass(frozen=True, eq=False)
class SemanticModel:
    """A network that gives each pixel a class.

    Attributes:
        network: the network.
        identity: what the record says it is.
        settings: what the record says about how it runs.
        device: where it runs.
        channels: the output channel of each train id 0 .. C-1; -1 for a class that the network does
            not know and never predicts.
        batch_size: images per forward pass.
        options: window, scales, flip and the other options.
        unscored: channels of labels that are not scored; they become `ignore`.
        ignore: the value of pixels without a class.
        stride: height and width of the input are padded to multiples of it.
        mean: subtracted from the pixels, which are in [0, 1].
        std: the pixels are divided by it.
        task: the task.
    """

    network: nn.Module
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    device: torch.device
    channels: tuple[int, ...]
    batch_size: int
    options: Options = field(default_factory=Options)
    unscored: tuple[int, ...] = ()
    ignore: int = 255
    stride: int = 1
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    task: str = "semantic"

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Predict images of any sizes, each (H, W, 3) uint8 RGB.

        Label maps of train ids come back in each image's own size.

        Raises:
            UsageError: the memory of the device is too small for a single image.
        """
        return list(self._batches.run(images, self._predict))

    def _predict(self, images: Sequence[Image]) -> list[LabelMap]:
        with torch.inference_mode():
            scores = self._scores(self._upload(images))
            labels = scores.argmax(1)
            # argmax prefers NaN to every number, so it is enough to check the largest score.
            if bool(scores.gather(1, labels.unsqueeze(1)).isnan().any()):
                weights = self.identity.get("weights", "the network")
                raise PredictionError(
                    f"{weights} returns NaN: use other weights, or leave out --amp"
                )
            if not self._in_order:
                labels = self._train_ids[labels]
            maps = labels.to(torch.uint8 if self._fits_byte else torch.int32).cpu().numpy()
            maps = maps.astype(self._dtype)
            if not self.options.confidence:
                return [LabelMap(label_map) for label_map in maps]
            probabilities = scores if self._averages else scores.softmax(1)
            confidence = probabilities.amax(1).cpu().numpy()
            return [
                LabelMap(label_map, confidence=values)
                for label_map, values in zip(maps, confidence, strict=True)
            ]

    def _upload(self, images: Sequence[Image]) -> Tensor:
        """The pixels on the device, (N, 3, H, W) uint8.

        From pinned memory a GPU copies them while this thread continues.
        """
        pixels = torch.from_numpy(np.stack(images))
        if self.device.type == "cuda":
            pixels = pixels.pin_memory().to(self.device, non_blocking=True)
        return pixels.permute(0, 3, 1, 2)

    def _scores(self, images: Tensor) -> Tensor:
        """Scores of the known classes, (N, channels, H, W) float32.

        They are logits, or probabilities if several predictions are averaged.
        """
        size = (int(images.shape[-2]), int(images.shape[-1]))
        whole = self.options.input_size or size
        if not self._averages:
            return self._logits(self._prepare(images, whole), size)
        sizes = [augmentation.scaled(whole, scale) for scale in self.options.scales]
        logits = partial(self._logits, size=size)
        return augmentation.average(
            partial(self._prepare, images), logits, sizes, flip=self.options.flip
        )

    def _prepare(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """The normalised input, (N, 3, h, w), in this size."""
        scaled = images.to(torch.float32).div_(255)
        if tuple(scaled.shape[-2:]) != size:
            scaled = functional.interpolate(
                scaled, size, mode="bilinear", align_corners=False, antialias=True
            )
        normal = (scaled - self._normal[0]) / self._normal[1]
        return normal.contiguous(memory_format=torch.channels_last)

    def _logits(self, pixels: Tensor, size: tuple[int, int]) -> Tensor:
        """Logits of the known classes in the images' own size, (N, channels, H, W) float32."""
        window = self.options.window
        logits = (
            windows.slide(self._forward, pixels, window, self.options.overlap)
            if window
            else self._forward(pixels)
        )
        if tuple(logits.shape[-2:]) != size:
            logits = functional.interpolate(logits, size, mode="bilinear", align_corners=False)
        # The maximum over the classes reads one number of each class per pixel. With the classes of
        # a pixel next to each other in memory it is about five times as fast on the CPU.
        return logits.contiguous(memory_format=torch.channels_last)

    def _forward(self, pixels: Tensor) -> Tensor:
        """Logits of the known classes in the size of the input, (N, channels, h, w) float32."""
        height, width = pixels.shape[-2:]
        below, right = -height % self.stride, -width % self.stride
        padded = (
            functional.pad(pixels, (0, right, 0, below), mode="replicate")
            if below or right
            else pixels
        )
        with torch.autocast(self.device.type, dtype=_half(self.device), enabled=self.options.amp):
            output = self.network(padded)
        logits = output["out"] if isinstance(output, dict) else output
        logits = logits[..., :height, :width].float()
        return cast("Tensor", logits if self._in_order else logits[:, self._known])

    @cached_property
    def _batches(self) -> Batches:
        together = self.device.type != "cpu"
        return Batches(
            self.device.type, self.batch_size, together, self.identity.get("warnings", [])
        )

    @property
    def _averages(self) -> bool:
        return self.options.flip or self.options.scales != (1.0,)

    @cached_property
    def _normal(self) -> tuple[Tensor, Tensor]:
        mean, std = (
            torch.tensor(values, device=self.device).view(1, -1, 1, 1)
            for values in (self.mean, self.std)
        )
        return mean, std

    @cached_property
    def _in_order(self) -> bool:
        outputs = self.identity.get("outputs", len(self.channels))
        return self.channels == tuple(range(outputs))

    @cached_property
    def _known(self) -> Tensor:
        return torch.tensor(
            [*(c for c in self.channels if c >= 0), *self.unscored], device=self.device
        )

    @cached_property
    def _train_ids(self) -> Tensor:
        train_ids = [t for t, c in enumerate(self.channels) if c >= 0]
        return torch.tensor([*train_ids, *[self.ignore] * len(self.unscored)], device=self.device)

    @property
    def _fits_byte(self) -> bool:
        # As in bench.classes: train ids and the ignore value fit into a byte up to 254 classes.
        return len(self.channels) <= 255 and self.ignore <= 255

    @property
    def _dtype(self) -> type[np.uint8 | np.uint16]:
        return np.uint8 if self._fits_byte else np.uint16


def ready(model: SemanticModel, options: Options) -> SemanticModel:
    """The model on its device, with the options applied and the settings for the run record."""
    device = choose_device(options.device)
    network = model.network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if options.compile:
        network = Compiled(network)
    batch_size = options.batch_size or BATCH_SIZES[device.type]
    settings = settings_of(options, device, batch_size)
    return replace(
        model,
        network=network,
        device=device,
        settings=settings,
        batch_size=batch_size,
        options=options,
    )


def settings_of(options: Options, device: torch.device, batch_size: int) -> dict[str, Any]:
    """How a model runs, as a record shows it.

    Options that the first version of the record did not have appear only if they were set, so that
    older records stay equal.
    """
    always: dict[str, Any] = {
        "device": device.type,
        "batch_size": batch_size,
        "amp": options.amp,
        "input_size": list(options.input_size) if options.input_size else None,
    }
    rest = (
        "compile",
        "window",
        "overlap",
        "scales",
        "flip",
        "score_threshold",
        "detections",
        "prompt",
        "prompts",
    )
    changed = {
        name: getattr(options, name)
        for name in rest
        if getattr(options, name) != getattr(Options, name)
    }
    if options.window:
        changed["overlap"] = options.overlap
    for name, value in changed.items():
        always[name] = list(value) if isinstance(value, tuple) else value
    return always


def choose_device(wanted: str) -> torch.device:
    """The device of this name; `auto` takes a GPU if there is one.

    Raises:
        UsageError: there is no GPU, or the name is not auto, cpu or cuda.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device must be auto, cpu or cuda, got {wanted!r}")
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise UsageError(
            "--device cuda: torch finds no GPU here; --device auto falls back to the CPU"
        )
    return torch.device("cuda" if present and wanted != "cpu" else "cpu")


def _half(device: torch.device) -> torch.dtype:
    return torch.float16 if device.type == "cuda" else torch.bfloat16
