"""Promptable networks, Segment Anything and SAM 2: points or a box in, a mask per object out.

A single point is ambiguous: the network returns three masks (part, object, group), and the one with
the highest predicted IoU is taken. For more points or a box it returns one mask, as its authors
advise. This module knows neither ground truth, nor classes, nor metrics.
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
from bench.models.running.batches import is_out_of_memory
from bench.models.running.query_model import half
from bench.models.weights import hub
from bench.samples import Array, Image, Prompts, Rle

OBJECTS_AT_ONCE = 64
"""Objects of one image that are prompted at once."""
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
    """A promptable network, ready to predict.

    Its caller makes the prompts: `prompts` of the type `prompt` for each object. The embeddings of
    the images of the last call are kept, because later calls often prompt the same images again.
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
    embedded: dict[int, tuple[Image, Any]] = field(default_factory=dict)

    def predict(self, images: Sequence[Image], prompts: Sequence[Prompts]) -> list[list[Rle]]:
        """Predict a mask for each prompted object of a batch of images, each (H, W, 3) uint8 RGB.

        Raises:
            UsageError: the memory of the device is too small.
        """
        try:
            with torch.inference_mode(), hub.quiet():
                embedded = {id(image): (image, self._embed(image)) for image in images}
                self.embedded.clear()
                self.embedded.update(embedded)
                return [
                    self._masks(image, of_image)
                    for image, of_image in zip(images, prompts, strict=True)
                ]
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise UsageError(
                f"out of memory on {self.device.type}: use a smaller --batch-size, or --device cpu"
            ) from None

    def _embed(self, image: Image) -> Any:
        """The embeddings of an image, and the size that it had in the network."""
        cached = self.embedded.get(id(image))
        # Another image may have got the id of one that no longer exists.
        if cached is not None and cached[0] is image:
            return cached[1]
        inputs = self.processor(
            images=image, input_data_format="channels_last", return_tensors="pt"
        )
        pixels = inputs["pixel_values"].to(self.device)
        with torch.autocast(self.device.type, dtype=half(self.device), enabled=self.amp):
            embeddings = self.network.get_image_embeddings(pixels)
        size = (
            inputs["reshaped_input_sizes"][0].tolist() if self.padded else list(pixels.shape[-2:])
        )
        return embeddings, size

    def _masks(self, image: Image, prompts: Prompts) -> list[Rle]:
        rles: list[Rle] = []
        for start in range(0, len(prompts), OBJECTS_AT_ONCE):
            block = slice(start, start + OBJECTS_AT_ONCE)
            boxes = None if prompts.boxes is None else prompts.boxes[block]
            of_block = Prompts(prompts.points[block], prompts.inside[block], boxes)
            rles += self._masks_at_once(image, of_block)
        return rles

    def _masks_at_once(self, image: Image, prompts: Prompts) -> list[Rle]:
        embeddings, size = self.embedded[id(image)][1]
        height, width = image.shape[:2]
        scale = torch.tensor([size[1] / width, size[0] / height], dtype=torch.float64)
        with torch.autocast(self.device.type, dtype=half(self.device), enabled=self.amp):
            output = self.network(
                image_embeddings=embeddings,
                multimask_output=prompts.boxes is None and prompts.points.shape[1] == 1,
                **self._inputs(prompts, scale),
            )
        predicted_ious, candidates = output.iou_scores[0].float(), output.pred_masks[0].float()
        best = candidates[torch.arange(len(candidates)), predicted_ious.argmax(1)]
        sizes = {"reshaped_input_sizes": [size]} if self.padded else {}
        resized = self.processor.post_process_masks([best[:, None]], [[height, width]], **sizes)[0]
        return masks.encode_many(resized[:, 0].cpu().numpy())

    def _inputs(self, prompts: Prompts, scale: Tensor) -> dict[str, Tensor]:
        """The prompts in pixels of the network's input."""
        if prompts.boxes is not None:
            # From x, y, width, height to two corners.
            upper_left = torch.tensor(prompts.boxes[:, :2])
            lower_right = torch.tensor(prompts.boxes[:, :2] + prompts.boxes[:, 2:])
            corners = torch.cat([upper_left, lower_right], 1) * scale.repeat(2)
            return {"input_boxes": corners[None].float().to(self.device)}
        points = torch.tensor(prompts.points) * scale
        return {
            "input_points": points[None].float().to(self.device),
            "input_labels": _labels(prompts.inside).to(self.device),
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
    """Which points are inside their object, as the networks take it: (1, G, P) of 1 and 0."""
    return torch.tensor(inside, dtype=torch.int64)[None]
