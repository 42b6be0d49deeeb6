"""From images to predictions by a network whose queries each give a class and a mask: MaskFormer and its kin.

transformers prepares the images and turns queries into answers, which become label maps, instances or segments here.
This module knows neither truth, nor files, nor names of classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench import masks
from bench.classes import Classes
from bench.models.running.batches import Batches
from bench.models.weights import hub
from bench.samples import Array, Image, Instances, LabelMap, Prediction, Segments

PANOPTIC_SCORE = 0.8
"""Queries that are less sure make no segment: what the three papers' own configurations say (transformers: 0.5)."""
DETECTIONS = 100
"""Objects kept of each image, the surest: as COCO's protocol counts them."""


@dataclass(frozen=True, eq=False)
class QueryModel:
    """A network of queries, made ready; `channels` are its classes that stand for train ids 0 .. C-1 of the card.

    `unscored` are those of labels that the card does not score: they take their pixels, which count as misses.
    `background` is the train id of the class that stands for all that the card lacks, if there is one. `processor`
    prepares images and makes label maps and segments, `instance_processor` makes objects; both are of transformers.
    """

    network: Any
    processor: Any
    instance_processor: Any
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    device: torch.device
    channels: tuple[int, ...]
    classes: Classes
    task: str
    batch_size: int
    batches: Batches
    unscored: tuple[int, ...] = ()
    background: int | None = None
    task_inputs: Tensor | None = None
    amp: bool = False
    score_threshold: float | None = None
    detections: int = DETECTIONS

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Predict images of any sizes, each (H, W, 3) uint8 RGB, in the form that the task asks for.

        Images of one size go through the network together on a GPU, each alone on the CPU: padding would be seen.

        Raises:
            UsageError: the device's memory does not hold the batch.
        """
        return self.batches.run(images, self._predict)

    def _predict(self, images: Sequence[Image]) -> list[Prediction]:
        size = images[0].shape[:2]
        with torch.inference_mode(), hub.quiet():
            output = self._folded(self._forward(images))
            return self._answers(output, [(int(size[0]), int(size[1]))] * len(images))

    def _forward(self, images: Sequence[Image]) -> Any:
        texts = {} if self.task_inputs is None else {"task_inputs": [self.task] * len(images)}
        inputs = self.processor(images=list(images), input_data_format="channels_last", return_tensors="pt", **texts)
        given = {name: inputs[name].to(self.device) for name in ("pixel_values", "pixel_mask")}
        if self.task_inputs is not None:
            given["task_inputs"] = self.task_inputs.to(self.device).expand(len(images), -1)
        with torch.autocast(self.device.type, dtype=half(self.device), enabled=self.amp):
            output = self.network(**given)
        output.class_queries_logits = output.class_queries_logits.float()
        output.masks_queries_logits = output.masks_queries_logits.float()
        return output

    def _folded(self, output: Any) -> Any:
        """The output with one class per train id: what the card lacks counts as "no object", the last class.

        Where the card has a `background` that the network lacks, the network's other classes are that instead. The
        probabilities of the classes that both know stay what they are.
        """
        logits = output.class_queries_logits
        if self.channels == tuple(range(logits.shape[-1] - 1)):
            return output
        shares = logits.log_softmax(-1)
        known = [train_id for train_id, channel in enumerate(self.channels) if channel >= 0]
        used = [*(self.channels[train_id] for train_id in known), *self.unscored]
        known += range(len(self.channels), len(self.channels) + len(self.unscored))
        rest = [channel for channel in range(logits.shape[-1]) if channel not in used]
        folded = shares.new_full((*shares.shape[:-1], len(self.channels) + len(self.unscored) + 1), -torch.inf)
        folded[..., known] = shares[..., used]
        if self.background is not None and len(rest) > 1:
            folded[..., self.background] = shares[..., rest[:-1]].logsumexp(-1)
            rest = rest[-1:]
        folded[..., -1] = shares[..., rest].logsumexp(-1)
        output.class_queries_logits = folded
        return output

    def _answers(self, output: Any, sizes: list[tuple[int, int]]) -> list[Prediction]:
        if self.task == "semantic":
            found = self.processor.post_process_semantic_segmentation(output, target_sizes=sizes)
            return [LabelMap(self._labels(labels.cpu().numpy())) for labels in found]
        if self.task == "instance":
            threshold = self.score_threshold or 0.0
            answers = self.instance_processor.post_process_instance_segmentation(
                output, threshold=threshold, target_sizes=sizes, return_binary_maps=True
            )
            return [self._instances(answer, size) for answer, size in zip(answers, sizes, strict=True)]
        threshold = PANOPTIC_SCORE if self.score_threshold is None else self.score_threshold
        # Asked to fuse stuff, transformers gives one number to two segments (docs/conventions.md, queries-fused).
        answers = self.processor.post_process_panoptic_segmentation(
            output, threshold=threshold, target_sizes=sizes, label_ids_to_fuse=set()
        )
        return [self._segments(answer) for answer in answers]

    def _labels(self, found: Array) -> Array:
        """Train ids, and `ignore` for labels that are not scored."""
        return np.where(found < len(self.classes), found, self.classes.ignore).astype(self.classes.dtype)

    def _instances(self, answer: Mapping[str, Any], size: tuple[int, int]) -> Instances:
        """The surest objects of countable classes."""
        told = answer["segments_info"]
        countable = [*self.classes.things, *[False] * len(self.unscored)]
        things = [p for p, each in enumerate(told) if countable[each["label_id"]] and each["score"] > 0]
        kept = sorted(things, key=lambda position: -told[position]["score"])[: self.detections]
        rles = masks.encode_many(answer["segmentation"][kept].cpu().numpy()) if kept else []
        return Instances(
            size=size,
            classes=np.array([told[position]["label_id"] for position in kept], dtype=np.int64),
            rles=rles,
            areas=masks.areas(rles),
            boxes=masks.boxes(rles),
            scores=np.array([told[position]["score"] for position in kept], dtype=np.float64),
        )

    def _segments(self, answer: Mapping[str, Any]) -> Segments:
        """The segments, those of one class fused where the class is not countable; pixels of none are void."""
        told = answer["segments_info"]
        found = answer["segmentation"].cpu().numpy().astype(np.int64)
        numbers = np.zeros(len(told) + 1, dtype=np.int32)
        owners: list[int] = []
        for each in told:
            label = int(each["label_id"])
            if label >= len(self.classes):
                continue  # its pixels are of no segment
            if self.classes.things[label] or label not in owners:
                owners.append(label)
                numbers[each["id"]] = len(owners)
            else:
                numbers[each["id"]] = owners.index(label) + 1
        return Segments(
            ids=numbers[np.maximum(found, 0)],
            segment_ids=np.arange(1, len(owners) + 1),
            classes=np.array(owners, dtype=np.int64),
            crowd=np.zeros(len(owners), dtype=bool),
        )


def half(device: torch.device) -> torch.dtype:
    """The short type of numbers that a device is good at."""
    return torch.float16 if device.type == "cuda" else torch.bfloat16
