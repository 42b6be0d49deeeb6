"""Scenes of `streets` as arrays, drawn once into a cache folder, and batches of random crops of
them.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench import streets
from bench.cards import load_card
from bench.models.running.inference import MEAN, STD
from training.recipes import Recipe

CARD = load_card("streets")


def draw(split: str, count: int, cache: Path, *, objects: bool = False) -> list[np.ndarray]:
    """Images (N, H, W, 3) and train ids (N, H, W) of scenes spread over a split, drawn once and
    memory-mapped.

    With `objects` also their instance ids, (N, H, W): label id * 1000 + number for objects, less
    for everything else.
    """
    stem = cache / f"{split}-{count}-v{streets.VERSION}"
    paths = [
        stem.with_suffix(f".{kind}.npy")
        for kind in ("images", "labels", *(["objects"] if objects else []))
    ]
    if not all(path.exists() for path in paths):
        drawn: list[tuple[np.ndarray, ...]] = []
        for number, index in enumerate(spread(split, count)):
            scene = streets.draw(split, index)
            labels = CARD.classes.to_train(scene.label_ids, where=f"{split} {index}")
            drawn.append((scene.image, labels, scene.instance_ids)[: len(paths)])
            if number % 200 == 0:
                print(f"drawn {number} of {count} {split}", flush=True)
        for path, arrays in zip(paths, zip(*drawn, strict=True), strict=True):
            # Another training may be reading the same cache: a file appears whole or not at all.
            partial = path.with_suffix(f".{os.getpid()}.npy")
            np.save(partial, np.stack(arrays))
            partial.replace(path)
    return [np.load(path, mmap_mode="r") for path in paths]


def spread(split: str, count: int) -> list[int]:
    """Indices of `count` scenes over the whole split, so that few images still show every city."""
    return [int(index) for index in np.linspace(0, streets.SPLITS[split] - 1, count).astype(int)]


def class_weights(labels: np.ndarray) -> Tensor:
    """Mild weights, (C,): frequency to the power -0.4, with a mean of one over the pixels."""
    counts = np.bincount(np.asarray(labels[::10]).ravel(), minlength=256)[: len(CARD.classes)]
    shares = np.maximum(counts / counts.sum(), 1e-5)
    weights = shares**-0.4
    return torch.from_numpy((weights / (weights * shares).sum()).astype(np.float32))


def batch(
    recipe: Recipe, step: int, images: np.ndarray, labels: np.ndarray
) -> tuple[Tensor, Tensor]:
    """One batch: crops at one scale for all, half of them mirrored, with random brightness.

    Seeded by the step, so that going on after a stop sees what an undisturbed run would have seen.
    """
    rng = np.random.default_rng((recipe.seed, step, recipe.init is not None))
    coarse = 2 if step < recipe.coarse * recipe.steps else 1
    size = recipe.crop[0] // coarse, recipe.crop[1] // coarse
    scale = float(rng.uniform(0.75, 1.3))
    rows = min(images.shape[1], round(recipe.crop[0] / scale))
    columns = min(images.shape[2], round(recipe.crop[1] / scale))
    pictures, truths = [], []
    for index in rng.integers(0, len(images), recipe.batch):
        top, left = (
            rng.integers(0, images.shape[1] - rows + 1),
            rng.integers(0, images.shape[2] - columns + 1),
        )
        direction = -1 if rng.random() < 0.5 else 1
        window = (slice(top, top + rows), slice(left, left + columns))
        picture = np.asarray(images[index][window][:, ::direction], dtype=np.float32)
        picture = (picture - 128) * rng.uniform(0.8, 1.25) + 128 + rng.uniform(-20, 20)
        pictures.append(picture * rng.uniform(0.92, 1.08, 3).astype(np.float32))
        truths.append(labels[index][window][:, ::direction])
    stacked = torch.from_numpy(np.stack(pictures)).clamp(0, 255).permute(0, 3, 1, 2).div(255)
    stacked = (stacked - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    truth = torch.from_numpy(np.stack(truths).astype(np.float32))[:, None]
    stacked = functional.interpolate(
        stacked, size, mode="bilinear", align_corners=False, antialias=True
    )
    return stacked, functional.interpolate(truth, size, mode="nearest")[:, 0].long()
