"""Networks that are pointed at objects: Segment Anything and its kin, asked by points or boxes, a mask for each object.

A single point is ambiguous: of the three masks that the network then offers the one it is surest of is taken; more
points or a box ask for one mask, as the authors advise. This module knows neither truth, nor classes, nor metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from bench import masks
from bench.errors import UsageError
from bench.models.contract.adapter import Adapter, TransformersFolder
from bench.models.contract.options import Options, refuse_unsupported
from bench.models.running import inference
from bench.models.running.batches import OUT_OF_MEMORY
from bench.models.running.query_model import half
from bench.models.weights import hub
from bench.samples import Array, Image, Prompts, Rle

OBJECTS = 64
"""Objects of one image that are asked for at once."""
BATCH_SIZES = {"cpu": 1, "cuda": 4}


@dataclass(frozen=True)
class PromptableNetwork:
    """The classes of transformers that one adapter uses.

    Attributes:
        network: the class of the network.
        processor: the class that prepares images and resizes masks.
        padded: whether images keep their aspect ratio and are padded to a square; if not, they are
            stretched to one.
    """

    network: Any
    processor: Any
    padded: bool


@dataclass(frozen=True, eq=False)
class PromptedModel:
    """A promptable network, made ready; whoever runs it draws prompts of the kind `prompt`, `prompts` for each object.

    What the network saw in the images of the last call is kept, for they are asked about again.
    """

    network: Any
    processor: Any
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    device: torch.device
    batch_size: int
    prompt: Literal["points", "boxes"]
    prompts: int
    padded: bool
    amp: bool = False
    task: str = "prompted"
    prompted: bool = True
    seen: dict[int, tuple[Image, Any]] = field(default_factory=dict)

    def predict(self, images: Sequence[Image], prompts: Sequence[Prompts]) -> list[list[Rle]]:
        """Answer the prompts of a batch of images, each (H, W, 3) uint8 RGB: a mask for each object, in their order.

        Raises:
            UsageError: the device's memory does not hold the network's answers.
        """
        try:
            with torch.inference_mode(), hub.quiet():
                looks = {id(image): (image, self._look(image)) for image in images}
                self.seen.clear()
                self.seen.update(looks)
                return [self._answer(image, told) for image, told in zip(images, prompts, strict=True)]
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not isinstance(error, torch.OutOfMemoryError) and not any(word in str(error) for word in OUT_OF_MEMORY):
                raise
            raise UsageError(
                f"out of memory on {self.device.type}: give a smaller --batch-size, or --device cpu"
            ) from None

    def _look(self, image: Image) -> Any:
        """What the network sees in an image, and the size at which it sees it."""
        before = self.seen.get(id(image))
        if before is not None and before[0] is image:
            return before[1]
        inputs = self.processor(images=image, input_data_format="channels_last", return_tensors="pt")
        pixels = inputs["pixel_values"].to(self.device)
        with torch.autocast(self.device.type, dtype=half(self.device), enabled=self.amp):
            embeddings = self.network.get_image_embeddings(pixels)
        size = inputs["reshaped_input_sizes"][0].tolist() if self.padded else list(pixels.shape[-2:])
        return embeddings, size

    def _answer(self, image: Image, told: Prompts) -> list[Rle]:
        found: list[Rle] = []
        for start in range(0, len(told), OBJECTS):
            part = slice(start, start + OBJECTS)
            boxes = None if told.boxes is None else told.boxes[part]
            found += self._ask(image, Prompts(told.points[part], told.inside[part], boxes))
        return found

    def _ask(self, image: Image, told: Prompts) -> list[Rle]:
        embeddings, size = self.seen[id(image)][1]
        height, width = image.shape[:2]
        scale = torch.tensor([size[1] / width, size[0] / height], dtype=torch.float64)
        with torch.autocast(self.device.type, dtype=half(self.device), enabled=self.amp):
            output = self.network(
                image_embeddings=embeddings,
                multimask_output=told.boxes is None and told.points.shape[1] == 1,
                **self._inputs(told, scale),
            )
        sure, offered = output.iou_scores[0].float(), output.pred_masks[0].float()
        best = offered[torch.arange(len(offered)), sure.argmax(1)]
        given = {"reshaped_input_sizes": [size]} if self.padded else {}
        whole = self.processor.post_process_masks([best[:, None]], [[height, width]], **given)[0]
        return masks.encode_many(whole[:, 0].cpu().numpy())

    def _inputs(self, told: Prompts, scale: Tensor) -> dict[str, Tensor]:
        """The prompts in pixels of the network's input."""
        if told.boxes is not None:
            corners = torch.cat(
                [torch.tensor(told.boxes[:, :2]), torch.tensor(told.boxes[:, :2] + told.boxes[:, 2:])], 1
            )
            return {"input_boxes": (corners * scale.repeat(2))[None].float().to(self.device)}
        return {
            "input_points": (torch.tensor(told.points) * scale)[None].float().to(self.device),
            "input_labels": _labels(told.inside).to(self.device),
        }


def assemble(adapter: Adapter, classes: PromptableNetwork, options: Options) -> PromptedModel:
    """Make the model of an adapter. It predicts no classes, so that it needs no card.

    Raises:
        CheckpointError: weights that cannot be found, read, or that do not fit.
        UsageError: a device that is not available, an option that is not supported, or more than
            one box per object.
    """
    if not isinstance(adapter.weights, TransformersFolder):
        raise TypeError(f"{adapter.name} is not an adapter of transformers")
    refuse_unsupported(adapter.name, options, adapter.tasks["prompted"])
    if options.prompt == "boxes" and options.prompts > 1:
        raise UsageError(
            f"--prompt boxes --prompts {options.prompts}: an object has one box; use --prompt "
            "points for several prompts"
        )
    device = inference.choose_device(options.device)
    published = adapter.weights.published_for_all
    source = hub.resolve(adapter.name, options.weights, published, dataset="any data set")
    warnings = []
    if hub.has_preprocessor(source):
        needs = "preprocessor_config.json"
        processor = hub.part(classes.processor.from_pretrained, source, needs)
    else:
        processor = classes.processor()
        warnings.append(hub.no_preprocessor(source))
    network: Any = hub.load(classes.network, source)
    batch_size = options.batch_size or BATCH_SIZES[device.type]
    return PromptedModel(
        network=network.to(device),
        processor=processor,
        identity={
            "kind": "model",
            "model": adapter.name,
            "architecture": adapter.name,
            "weights": source.name,
            "weights_digest": source.digest,
            "inside": "",
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "warnings": warnings,
        },
        settings={
            "device": device.type,
            "batch_size": batch_size,
            "amp": options.amp,
            "input_size": None,
            "prompt": options.prompt,
            "prompts": options.prompts,
        },
        device=device,
        batch_size=batch_size,
        prompt=options.prompt,
        prompts=options.prompts,
        padded=classes.padded,
        amp=options.amp,
    )


def _labels(inside: Array) -> Tensor:
    """Which points lie inside their object, as the networks take it: (1, G, P) of 1 and 0."""
    return torch.tensor(inside, dtype=torch.int64)[None]
