"""How Mask R-CNN is trained: on a backbone trained for semantic segmentation, with the losses of
its paper.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.models.architectures import object_networks
from bench.models.weights import checkpoints
from training import loop, scenes
from training.recipes import Recipe

THINGS = [entry for entry in scenes.CARD.classes.scored if entry.thing]
NAMES = [entry.name for entry in THINGS]
SMALLEST = 2
"""Objects with a narrower or lower box, in pixels, are not used."""
FROZEN = ("backbone.body.stem.", "backbone.body.stages.0.")
"""Frozen layers of the backbone: those that take most of the time of a step."""
SLOWER = 0.3
"""Learning rate of the rest of the backbone, as a fraction of the rate of the other layers."""


def train(
    recipe: Recipe,
    images: np.ndarray,
    objects: np.ndarray,
    *,
    device: torch.device,
    kept: Path,
    init: Path | None,
) -> tuple[nn.Module, float]:
    """Train, resuming from `kept` if it has a state of this recipe; return the network and the
    seconds.

    `init` is a checkpoint of a reference network whose encoder the backbone begins with.
    """
    torch.manual_seed(recipe.seed)
    network = object_networks.build(recipe.architecture, len(THINGS) + 1)
    if init is not None:
        encoder = {
            n: v for n, v in checkpoints.read(init).state.items() if n.startswith("encoder.")
        }
        network.backbone.body.load_state_dict(
            {n.removeprefix("encoder."): v for n, v in encoder.items()}, strict=False
        )
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(init is None or not name.startswith(FROZEN))
    network = network.to(device).train()
    if init is not None:
        # batches are too small for statistics better than those that it has
        network.backbone.body.eval()
    optimizer = torch.optim.AdamW(
        _groups(network, recipe), lr=recipe.rate, weight_decay=recipe.decay
    )
    rates = [group["lr"] for group in optimizer.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=recipe.steps, pct_start=0.1
    )

    def loss_at(step: int) -> Tensor:
        pictures, targets = batch(recipe, step, images, objects)
        moved = [{name: value.to(device) for name, value in target.items()} for target in targets]
        return torch.stack(
            [*network([picture.to(device) for picture in pictures], moved).values()]
        ).sum()

    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    return network, loop.run(recipe, parts, kept, loss_at)


def batch(
    recipe: Recipe, step: int, images: np.ndarray, objects: np.ndarray
) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Whole images with their objects, half of them mirrored, with random brightness; seeded by
    step.
    """
    rng = np.random.default_rng((recipe.seed, step))
    pictures, targets = [], []
    while len(pictures) < recipe.batch:
        index, direction = int(rng.integers(0, len(images))), -1 if rng.random() < 0.5 else 1
        picture = np.asarray(images[index][:, ::direction], dtype=np.float32)
        picture = (picture - 128) * rng.uniform(0.8, 1.25) + 128 + rng.uniform(-20, 20)
        picture = np.clip(picture * rng.uniform(0.92, 1.08, 3), 0, 255).astype(np.float32) / 255
        target = target_of(np.asarray(objects[index][:, ::direction]))
        if len(target["labels"]):
            pictures.append(torch.from_numpy(picture).permute(2, 0, 1))
            targets.append(target)
    return pictures, targets


def target_of(objects: np.ndarray) -> dict[str, Tensor]:
    """Masks (G, H, W), boxes (G, 4) as corners, and labels (G,) from 1, of a map of instance ids,
    (H, W).
    """
    labels = {entry.id: number for number, entry in enumerate(THINGS, start=1)}
    instance_ids = [int(value) for value in np.unique(objects) if int(value) // 1000 in labels]
    masks = objects[None] == np.array(instance_ids, dtype=objects.dtype).reshape(-1, 1, 1)
    boxes = np.array([_box(mask) for mask in masks], dtype=np.float32).reshape(-1, 4)
    large = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) >= SMALLEST
    return {
        "masks": torch.from_numpy(masks[large].astype(np.uint8)),
        "boxes": torch.from_numpy(boxes[large]),
        "labels": torch.tensor(
            [labels[value // 1000] for value in instance_ids], dtype=torch.int64
        )[torch.from_numpy(large)],
    }


def _box(mask: np.ndarray) -> tuple[float, ...]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def _groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Trained parameters; those of a pretrained backbone have a lower learning rate."""
    learning = {name: value for name, value in network.named_parameters() if value.requires_grad}
    body = [value for name, value in learning.items() if name.startswith("backbone.body.")]
    rest = [value for name, value in learning.items() if not name.startswith("backbone.body.")]
    share = 1.0 if recipe.init is None else SLOWER
    return [{"params": rest, "lr": recipe.rate}, {"params": body, "lr": recipe.rate * share}]
