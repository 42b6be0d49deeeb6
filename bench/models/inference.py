"""From images to label maps: normalise, resize and pad, run the network, bring logits to the image's own size, argmax.

On the CPU each image goes through the network alone, so that its prediction does not depend on its neighbours: the
low bits of a convolution change with the size of a batch. On a GPU images of one size go together; there a tie of two
classes may fall differently with another batch. This module knows neither truth, nor files, nor checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.errors import UsageError
from bench.models import Options
from bench.samples import Image, LabelMap, Prediction

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of ImageNet, in fractions: what nearly every network of this kind was trained with."""
BATCH_SIZES = {"cpu": 4, "cuda": 8}
OPTIONS = ("amp", "compile", "input_size", "window", "overlap", "scales", "flip", "confidence")
"""What `SemanticModel` can do of what `Options` offers."""


@dataclass(frozen=True, eq=False)
class SemanticModel:
    """A network that gives each pixel a class; `channels` are the outputs that stand for train ids 0 .. C-1.

    A channel of -1 is a class that the network does not know and never predicts. `stride` is what the height and width
    of its input must be multiples of.
    """

    network: nn.Module
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    device: torch.device
    channels: tuple[int, ...]
    batch_size: int
    amp: bool = False
    confidence: bool = False
    input_size: tuple[int, int] | None = None
    stride: int = 1
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    task: str = "semantic"

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Predict images of any sizes, each (H, W, 3) uint8 RGB; label maps of train ids in each image's own size.

        Raises:
            UsageError: the device's memory does not hold the batch.
        """
        found: dict[int, LabelMap] = {}
        for positions in self._batches([image.shape[:2] for image in images]):
            stack = np.stack([images[position] for position in positions])
            found |= zip(positions, self._predict(stack), strict=True)
        return [found[position] for position in range(len(images))]

    def _batches(self, sizes: Sequence[tuple[int, ...]]) -> list[list[int]]:
        """Positions of images that go through the network together: one alone on the CPU, else equal sizes."""
        if self.device.type == "cpu":
            return [[position] for position in range(len(sizes))]
        groups = [[p for p, other in enumerate(sizes) if other == size] for size in dict.fromkeys(sizes)]
        step = self.batch_size
        return [group[start : start + step] for group in groups for start in range(0, len(group), step)]

    def _predict(self, images: np.ndarray[Any, np.dtype[np.uint8]]) -> list[LabelMap]:
        height, width = images.shape[1:3]
        try:
            with torch.inference_mode():
                logits = self._logits(self._prepare(images), (height, width))
                labels = logits.argmax(1)
                if not self._in_order:
                    labels = self._train_ids[labels]
                sure = logits.softmax(1).amax(1).cpu().numpy() if self.confidence else [None] * len(labels)
                plain = labels.to(torch.uint8 if self._small else torch.int32).cpu().numpy().astype(self._dtype)
                return [LabelMap(one, confidence=how) for one, how in zip(plain, sure, strict=True)]
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
                raise
            raise UsageError(
                f"out of memory on {self.device.type} with {len(images)} images of {width} x {height} at once: "
                "give a smaller --batch-size or --input-size, or --device cpu"
            ) from None

    def _prepare(self, images: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
        """Normalised input, (N, 3, H, W), resized where asked."""
        pixels = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2)
        scaled = pixels.to(torch.float32).div_(255)
        if self.input_size is not None and tuple(scaled.shape[-2:]) != self.input_size:
            scaled = functional.interpolate(
                scaled, self.input_size, mode="bilinear", align_corners=False, antialias=True
            )
        normal = (scaled - self._column(self.mean)) / self._column(self.std)
        return normal.contiguous(memory_format=torch.channels_last)

    def _logits(self, pixels: Tensor, size: tuple[int, int]) -> Tensor:
        """Logits of the known classes in the images' own size, (N, channels, H, W) float32."""
        height, width = pixels.shape[-2:]
        below, right = -height % self.stride, -width % self.stride
        padded = functional.pad(pixels, (0, right, 0, below), mode="replicate") if below or right else pixels
        with torch.autocast(self.device.type, dtype=_half(self.device), enabled=self.amp):
            output = self.network(padded)
        logits = output["out"] if isinstance(output, dict) else output
        logits = logits[..., :height, :width].float()
        if not self._in_order:
            logits = logits[:, self._known]
        if tuple(logits.shape[-2:]) != size:
            logits = functional.interpolate(logits, size, mode="bilinear", align_corners=False)
        # On the CPU the maximum over neighbouring numbers is about five times as fast as over far ones.
        return cast("Tensor", logits.contiguous(memory_format=torch.channels_last))

    def _column(self, values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values, device=self.device).view(1, -1, 1, 1)

    @cached_property
    def _in_order(self) -> bool:
        outputs = self.identity.get("outputs", len(self.channels))
        return self.channels == tuple(range(outputs))

    @cached_property
    def _known(self) -> Tensor:
        return torch.tensor([c for c in self.channels if c >= 0], device=self.device)

    @cached_property
    def _train_ids(self) -> Tensor:
        return torch.tensor([t for t, c in enumerate(self.channels) if c >= 0], device=self.device)

    @property
    def _small(self) -> bool:
        # As bench.classes: train ids and ignore fit in a byte up to 254 classes.
        return len(self.channels) <= 255

    @property
    def _dtype(self) -> type[np.uint8 | np.uint16]:
        return np.uint8 if self._small else np.uint16


def ready(model: SemanticModel, options: Options) -> SemanticModel:
    """The model on its device, as the options say, with the settings that a run record shows."""
    device = choose_device(options.device)
    network = model.network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batch_size = options.batch_size or BATCH_SIZES[device.type]
    settings = {
        "device": device.type,
        "batch_size": batch_size,
        "amp": options.amp,
        "input_size": list(options.input_size) if options.input_size else None,
    }
    return replace(
        model,
        network=network,
        device=device,
        settings=settings,
        batch_size=batch_size,
        amp=options.amp,
        input_size=options.input_size,
        confidence=options.confidence,
    )


def choose_device(wanted: str) -> torch.device:
    """The device of this name; `auto` takes a GPU where there is one.

    Raises:
        UsageError: a GPU is asked for and there is none, or the name is none of auto, cpu, cuda.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device {wanted!r} is unknown: it is one of auto, cpu, cuda")
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise UsageError("--device cuda: torch finds no GPU here; --device auto takes the CPU where there is none")
    return torch.device("cuda" if present and wanted != "cpu" else "cpu")


def _half(device: torch.device) -> torch.dtype:
    return torch.float16 if device.type == "cuda" else torch.bfloat16
