"""From images to objects: torchvision's own forward, its masks pasted and cut, its labels as train ids of the card.

On the CPU each image goes through the network alone, so that its prediction does not depend on its neighbours. This
module knows neither truth, nor files, nor checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN

from bench import masks
from bench.classes import Classes
from bench.models.contract.options import Options
from bench.models.running import inference, painting
from bench.models.running.batches import Batches
from bench.samples import Image, Instances, Prediction

INSIDE = 0.5
"""Pixels at least so likely belong to a mask, as torchvision and detectron2 cut them."""


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """A network that finds objects; `train_ids` (outputs,) holds the class of each of its labels, -1 for none.

    Objects of a label without a class are dropped, after the network has chosen its most certain ones.
    """

    network: MaskRCNN
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    classes: Classes
    train_ids: np.ndarray[Any, np.dtype[np.int64]]
    device: torch.device
    batch_size: int
    amp: bool = False
    task: str = "instance"

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Predict images of any sizes, each (H, W, 3) uint8 RGB, in the form of the task.

        Raises:
            UsageError: the device's memory does not hold a single image.
        """
        found = self._batches.run(images, self._objects)
        if self.task == "semantic":
            return [painting.instances_to_labels(one, self.classes) for one in found]
        if self.task == "panoptic":
            return [painting.instances_to_segments(one, self.classes) for one in found]
        return list(found)

    @cached_property
    def _batches(self) -> Batches:
        together = self.device.type != "cpu"
        return Batches(self.device.type, self.batch_size, together, self.identity.get("warnings", []))

    def _objects(self, images: Sequence[Image]) -> list[Instances]:
        pixels = [torch.from_numpy(np.array(image)).to(self.device).permute(2, 0, 1).float() / 255 for image in images]
        half = torch.bfloat16 if self.device.type == "cpu" else torch.float16
        with torch.inference_mode(), torch.autocast(self.device.type, dtype=half, enabled=self.amp):
            outputs = self.network(pixels)
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        return [self._instances(output, size) for output, size in zip(outputs, sizes, strict=True)]

    def _instances(self, output: Mapping[str, Tensor], size: tuple[int, int]) -> Instances:
        """What torchvision returns of one image as objects of the card, the surest first."""
        classes = self.train_ids[output["labels"].cpu().numpy()]
        kept = classes >= 0
        inside = (output["masks"][:, 0] >= INSIDE).cpu().numpy()[kept]
        corners = output["boxes"].float().cpu().numpy().astype(np.float64)[kept]
        rles = masks.encode_many(inside)
        return Instances(
            size=size,
            classes=classes[kept],
            rles=rles,
            areas=masks.areas(rles),
            boxes=np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1),
            scores=output["scores"].float().cpu().numpy().astype(np.float64)[kept],
        )


def train_ids(classes: Classes, channels: Sequence[int], outputs: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The class of each label of a network: `channels` holds, for each countable class, its label less one, or -1."""
    found = np.full(outputs, -1, dtype=np.int64)
    for class_, channel in zip(np.flatnonzero(classes.things), channels, strict=True):
        if channel >= 0:
            found[channel + 1] = class_
    return found


def ready(model: ObjectModel, options: Options) -> ObjectModel:
    """The model on its device, as the options say, with the settings that a run record shows."""
    network = model.network.eval().to(model.device)
    batch_size = options.batch_size or inference.BATCH_SIZES[model.device.type]
    shown: dict[str, Any] = {
        "device": model.device.type,
        "batch_size": batch_size,
        "amp": options.amp,
        "input_size": list(options.input_size) if options.input_size else None,
    }
    if options.input_size is not None:
        network.transform.fixed_size = options.input_size[::-1]
    if options.score_threshold is not None:
        network.roi_heads.score_thresh = shown["score_threshold"] = options.score_threshold
    if options.detections is not None:
        network.roi_heads.detections_per_img = shown["detections"] = options.detections
    task = options.task or model.task
    return replace(model, network=network, settings=shown, batch_size=batch_size, amp=options.amp, task=task)
