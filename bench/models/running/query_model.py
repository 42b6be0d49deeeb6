"""Runs networks of queries: MaskFormer, Mask2Former and OneFormer.

Each query predicts a class and a mask. transformers prepares the images and post-processes the
queries; the results become label maps, instances or segments here. This module knows neither ground
truth, nor files, nor names of classes.
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
"""Queries with a lower score make no segment.

The value of the configurations of all three papers (transformers: 0.5).
"""
DETECTIONS = 100
"""Maximum detections per image, the highest-scoring: as in COCO's protocol."""


@dataclass(frozen=True, eq=False)
class QueryModel:
    """A network of queries, ready to predict.

    Attributes:
        network: the network.
        processor: of transformers; prepares images, and makes label maps and segments.
        instance_processor: of transformers; makes objects.
        identity: what the record says it is.
        settings: what the record says about how it runs.
        device: where it runs.
        channels: the network's class for each train id 0 .. C-1; -1 if it has none.
        classes: the classes of the card.
        task: the task.
        batch_size: images per forward pass.
        batches: which images go together.
        unscored: the network's classes of labels that the card does not score: their pixels count
            as misses.
        background: the train id of the card's background, if the network's other classes are taken
            for it.
        task_inputs: the tokens that name the task, for networks that take them.
        amp: run in half precision.
        score_threshold: drop objects and segments with a lower score.
        detections: maximum detections per image.
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
        """Predict images of any sizes, each (H, W, 3) uint8 RGB, in the form of the task.

        On a GPU images of one size go through the network together: images of other sizes would be
        padded, and the padding would change their predictions.

        Raises:
            UsageError: the memory of the device is too small.
        """
        return self.batches.run(images, self._predict)

    def _predict(self, images: Sequence[Image]) -> list[Prediction]:
        size = images[0].shape[:2]
        with torch.inference_mode(), hub.quiet():
            output = self._folded(self._forward(images))
            return self._predictions(output, [(int(size[0]), int(size[1]))] * len(images))

    def _forward(self, images: Sequence[Image]) -> Any:
        texts = {} if self.task_inputs is None else {"task_inputs": [self.task] * len(images)}
        inputs = self.processor(
            images=list(images), input_data_format="channels_last", return_tensors="pt", **texts
        )
        tensors = {name: inputs[name].to(self.device) for name in ("pixel_values", "pixel_mask")}
        if self.task_inputs is not None:
            tensors["task_inputs"] = self.task_inputs.to(self.device).expand(len(images), -1)
        with torch.autocast(self.device.type, dtype=half(self.device), enabled=self.amp):
            output = self.network(**tensors)
        output.class_queries_logits = output.class_queries_logits.float()
        output.masks_queries_logits = output.masks_queries_logits.float()
        return output

    def _folded(self, output: Any) -> Any:
        """The output with the card's classes instead of the network's.

        The classes are: the train ids, the unscored labels, and "no object" as the last. The
        probability of "no object" becomes the sum of its own and that of all classes that the card
        does not have; or the latter goes to `background`, if the card has it and the network does
        not. The probabilities of the classes that both know stay as they are:

            network:  road .5   cat .2   dog .1   no object .2
            card:     road .5   cat .2            no object .3
        """
        logits = output.class_queries_logits
        if self.channels == tuple(range(logits.shape[-1] - 1)):
            return output
        log_probabilities = logits.log_softmax(-1)
        train_ids = [train_id for train_id, channel in enumerate(self.channels) if channel >= 0]
        sources = [*(self.channels[train_id] for train_id in train_ids), *self.unscored]
        classes = len(self.channels) + len(self.unscored)
        targets = [*train_ids, *range(len(self.channels), classes)]
        rest = [channel for channel in range(logits.shape[-1]) if channel not in sources]
        shape = (*log_probabilities.shape[:-1], classes + 1)
        folded = log_probabilities.new_full(shape, -torch.inf)
        folded[..., targets] = log_probabilities[..., sources]
        if self.background is not None and len(rest) > 1:
            folded[..., self.background] = log_probabilities[..., rest[:-1]].logsumexp(-1)
            rest = rest[-1:]
        folded[..., -1] = log_probabilities[..., rest].logsumexp(-1)
        output.class_queries_logits = folded
        return output

    def _predictions(self, output: Any, sizes: list[tuple[int, int]]) -> list[Prediction]:
        if self.task == "semantic":
            maps = self.processor.post_process_semantic_segmentation(output, target_sizes=sizes)
            return [LabelMap(self._labels(labels.cpu().numpy())) for labels in maps]
        if self.task == "instance":
            threshold = self.score_threshold or 0.0
            results = self.instance_processor.post_process_instance_segmentation(
                output, threshold=threshold, target_sizes=sizes, return_binary_maps=True
            )
            return [
                self._instances(*result_and_size)
                for result_and_size in zip(results, sizes, strict=True)
            ]
        threshold = PANOPTIC_SCORE if self.score_threshold is None else self.score_threshold
        # If it fuses stuff, transformers gives two segments the same id (docs/conventions.md,
        # queries-fused); `_segments` fuses it instead.
        results = self.processor.post_process_panoptic_segmentation(
            output, threshold=threshold, target_sizes=sizes, label_ids_to_fuse=set()
        )
        return [self._segments(result) for result in results]

    def _labels(self, labels: Array) -> Array:
        """Train ids, and `ignore` for labels that are not scored."""
        scored = labels < len(self.classes)
        return np.where(scored, labels, self.classes.ignore).astype(self.classes.dtype)

    def _instances(self, result: Mapping[str, Any], size: tuple[int, int]) -> Instances:
        """The highest-scoring objects of countable classes."""
        objects = result["segments_info"]
        countable = [*self.classes.things, *[False] * len(self.unscored)]
        things = [
            index
            for index, object_ in enumerate(objects)
            if countable[object_["label_id"]] and object_["score"] > 0
        ]
        kept = sorted(things, key=lambda index: -objects[index]["score"])[: self.detections]
        rles = masks.encode_many(result["segmentation"][kept].cpu().numpy()) if kept else []
        return Instances(
            size=size,
            classes=np.array([objects[index]["label_id"] for index in kept], dtype=np.int64),
            rles=rles,
            areas=masks.areas(rles),
            boxes=masks.boxes(rles),
            scores=np.array([objects[index]["score"] for index in kept], dtype=np.float64),
        )

    def _segments(self, result: Mapping[str, Any]) -> Segments:
        """The segments; those of one stuff class are fused, pixels without a segment are void."""
        segments = result["segments_info"]
        ids = result["segmentation"].cpu().numpy().astype(np.int64)  # -1 for no segment
        new_ids = np.zeros(len(segments) + 1, dtype=np.int32)
        classes: list[int] = []
        for segment in segments:
            label = int(segment["label_id"])
            if label >= len(self.classes):
                continue  # an unscored label: its pixels belong to no segment
            if self.classes.things[label] or label not in classes:
                classes.append(label)
                new_ids[segment["id"]] = len(classes)
            else:
                new_ids[segment["id"]] = classes.index(label) + 1
        return Segments(
            ids=new_ids[np.maximum(ids, 0)],
            segment_ids=np.arange(1, len(classes) + 1),
            classes=np.array(classes, dtype=np.int64),
            crowd=np.zeros(len(classes), dtype=bool),
        )


def half(device: torch.device) -> torch.dtype:
    """The half-precision dtype that suits the device."""
    return torch.float16 if device.type == "cuda" else torch.bfloat16
