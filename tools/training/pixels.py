"""How semantic networks are trained: AdamW with a one-cycle learning rate, on random crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bench.models.architectures import networks
from bench.models.weights import checkpoints
from training import loop, losses, scenes
from training.recipes import Recipe


def train(
    recipe: Recipe,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    device: torch.device,
    kept: Path,
    init: Path | None,
) -> tuple[nn.Module, float]:
    """Train, resuming from `kept` if it has a state of this recipe; return the network and the
    seconds.

    `init` is a checkpoint of the same architecture that the training begins with.
    """
    torch.manual_seed(recipe.seed)
    network = networks.build(recipe.architecture, len(scenes.CARD.classes))
    if init is not None:
        checkpoints.fit(network, checkpoints.read(init), architecture=recipe.architecture)
    network = network.to(device, memory_format=torch.channels_last).train()
    weights, loss_of = scenes.class_weights(labels).to(device), losses.loss(recipe.loss)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, total_steps=recipe.steps, pct_start=0.15
    )

    def loss_at(step: int) -> Tensor:
        pictures, truth = scenes.batch(recipe, step, images, labels)
        logits = network(pictures.to(device, memory_format=torch.channels_last))
        return loss_of(logits, truth.to(device), weights)

    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    return network, loop.run(recipe, parts, kept, loss_at)
