"""From images to objects with torchvision's networks: masks are cut, labels become train ids.

On the CPU each image goes through the network alone, so that its prediction does not depend on its
neighbours. This module knows neither ground truth, nor files, nor checkpoints.
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

MASK_THRESHOLD = 0.5
"""Pixels with at least this probability belong to a mask, as in torchvision and detectron2."""


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """A network that finds objects.

    `train_ids` (outputs,) has the class of each of its labels, -1 for labels without a class. Their
    objects are dropped, after the network has chosen its highest-scoring ones.
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
            UsageError: the memory of the device is too small for a single image.
        """
        predictions = self._batches.run(images, self._objects)
        if self.task == "semantic":
            return [
                painting.instances_to_labels(instances, self.classes) for instances in predictions
            ]
        if self.task == "panoptic":
            return [
                painting.instances_to_segments(instances, self.classes) for instances in predictions
            ]
        return list(predictions)

    @cached_property
    def _batches(self) -> Batches:
        together = self.device.type != "cpu"
        return Batches(
            self.device.type, self.batch_size, together, self.identity.get("warnings", [])
        )

    def _objects(self, images: Sequence[Image]) -> list[Instances]:
        pixels = [
            torch.from_numpy(np.array(image)).to(self.device).permute(2, 0, 1).float() / 255
            for image in images
        ]
        half = torch.bfloat16 if self.device.type == "cpu" else torch.float16
        with torch.inference_mode(), torch.autocast(self.device.type, dtype=half, enabled=self.amp):
            outputs = self.network(pixels)
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        return [self._instances(output, size) for output, size in zip(outputs, sizes, strict=True)]

    def _instances(self, output: Mapping[str, Tensor], size: tuple[int, int]) -> Instances:
        """What torchvision returns for one image as objects of the card, the highest-scoring
        first.
        """
        classes = self.train_ids[output["labels"].cpu().numpy()]
        kept = classes >= 0
        inside = (output["masks"][:, 0] >= MASK_THRESHOLD).cpu().numpy()[kept]
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


def train_ids(
    classes: Classes, channels: Sequence[int], outputs: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The class of each label of a network, -1 for labels without a class.

    `channels` has, for each countable class, its label minus one, or -1: label 0 is "no object".
    """
    result = np.full(outputs, -1, dtype=np.int64)
    for class_, channel in zip(np.flatnonzero(classes.things), channels, strict=True):
        if channel >= 0:
            result[channel + 1] = class_
    return result


def ready(model: ObjectModel, options: Options) -> ObjectModel:
    """The model on its device, with the options applied and the settings for the run record."""
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
    return replace(
        model, network=network, settings=shown, batch_size=batch_size, amp=options.amp, task=task
    )
