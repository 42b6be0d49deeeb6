"""Train one reference network from scratch on `streets`, and write the checkpoint that ships with how it was made.

    python tools/train_reference.py deeplab --steps 1500 --threads 1

The scenes are drawn once into a cache folder. Training is seeded; it repeats to the bit on the same machine with the
same number of threads and the same torch. A stop loses little: what has been reached is kept in the cache folder, and
the same command goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from bench import streets
from bench.cards import load_card
from bench.models import Options, load, networks
from bench.models.inference import MEAN, STD

ARCHITECTURES = {"deeplab": "deeplabv3_slim24", "fcn": "fcn_slim24", "unet": "unet_slim16"}
SHIPPED = Path(__file__).resolve().parents[1] / "bench" / "checkpoints"
CARD = load_card("streets")
IGNORE = CARD.classes.ignore


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights besides the code."""

    architecture: str
    steps: int
    seed: int
    threads: int
    images: int
    batch: int = 4
    crop: tuple[int, int] = (192, 384)
    rate: float = 2.5e-3
    decay: float = 1e-2
    dtype: str = "float16"


def main() -> None:
    """Read the command line, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("model", choices=sorted(ARCHITECTURES))
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--images", type=int, default=streets.SPLITS["train"], help="scenes of train to learn from")
    parser.add_argument("--val", type=int, default=streets.SPLITS["val"], help="scenes of val to measure on")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "streets-training")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.cache.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(ARCHITECTURES[given.model], given.steps, given.seed, given.threads, given.images)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    images, labels = draw_scenes("train", given.images, given.cache)
    network, seconds = train(recipe, images, labels, device=device, kept=given.cache / f"{given.model}.pt")
    record = {**vars(recipe), "seconds": round(seconds), "device": _name(device), "torch": torch.__version__}
    record |= {"streets": streets.VERSION, "split": "train", "crop": list(recipe.crop)}
    target = given.out / f"{given.model}-streets.safetensors"
    write(target, network, recipe, record)
    record |= measure(given.model, target, *draw_scenes("val", given.val, given.cache))
    target.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record))


def draw_scenes(split: str, count: int, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W, 3) and train ids (N, H, W) of the first scenes of a split, drawn once and mapped from disk."""
    stem = cache / f"{split}-{count}-v{streets.VERSION}"
    paths = stem.with_suffix(".images.npy"), stem.with_suffix(".labels.npy")
    if not all(path.exists() for path in paths):
        # Spread over the split, so that few images still show every city.
        chosen = np.linspace(0, streets.SPLITS[split] - 1, count).astype(int)
        images, labels = [], []
        for number, index in enumerate(chosen):
            scene = streets.draw(split, int(index))
            images.append(scene.image)
            labels.append(CARD.classes.to_train(scene.label_ids, where=f"{split} {index}"))
            if number % 200 == 0:
                print(f"drawn {number} of {count} {split}", flush=True)
        for path, arrays in zip(paths, (images, labels), strict=True):
            # Another training may be reading the same cache: a file appears whole or not at all.
            partial = path.with_suffix(f".{os.getpid()}.npy")
            np.save(partial, np.stack(arrays))
            partial.replace(path)
    return np.load(paths[0], mmap_mode="r"), np.load(paths[1], mmap_mode="r")


def train(
    recipe: Recipe, images: np.ndarray, labels: np.ndarray, *, device: torch.device, kept: Path
) -> tuple[nn.Module, float]:
    """Train with AdamW under a one-cycle rate; returns the network and the seconds it took."""
    torch.manual_seed(recipe.seed)
    network = networks.build(recipe.architecture, len(CARD.classes)).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, total_steps=recipe.steps, pct_start=0.15)
    weights = class_weights(labels).to(device)
    parts: dict[str, Any] = {"network": network, "optimizer": optimizer, "schedule": schedule}
    start, seconds, loss_sum = 0, 0.0, 0.0
    if kept.exists():
        saved = torch.load(kept, weights_only=True)
        if saved["recipe"] == repr(recipe):
            start, seconds = saved["step"], saved["seconds"]
            for name, part in parts.items():
                part.load_state_dict(saved[name])
    network.train()
    began = time.monotonic() - seconds
    for step in range(start, recipe.steps):
        # Seeded by the step, so that going on after a stop sees what an undisturbed run would have seen.
        pictures, truth = batch(recipe, images, labels, rng=np.random.default_rng((recipe.seed, step)))
        logits = network(pictures.to(device, memory_format=torch.channels_last))
        loss = functional.cross_entropy(logits, truth.to(device), weight=weights, ignore_index=IGNORE)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        loss_sum += float(loss.detach())
        if (step + 1) % 50 == 0 or step + 1 == recipe.steps:
            seconds = time.monotonic() - began
            print(f"{recipe.architecture} step {step + 1} loss {loss_sum / 50:.3f} {seconds:.0f} s", flush=True)
            loss_sum = 0.0
            states = {name: part.state_dict() for name, part in parts.items()}
            torch.save({**states, "step": step + 1, "seconds": seconds, "recipe": repr(recipe)}, kept)
    return network.eval(), seconds


def class_weights(labels: np.ndarray) -> Tensor:
    """Mild weights, (C,): frequency to the power -0.3, with a mean of one over the pixels."""
    counts = np.bincount(np.asarray(labels[::10]).ravel(), minlength=256)[: len(CARD.classes)]
    shares = np.maximum(counts / counts.sum(), 1e-5)
    weights = shares**-0.3
    return torch.from_numpy((weights / (weights * shares).sum()).astype(np.float32))


def batch(recipe: Recipe, images: np.ndarray, labels: np.ndarray, *, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """One batch: crops at one scale for all, half of them mirrored, each in a light of its own."""
    height, width = recipe.crop
    scale = float(rng.uniform(0.75, 1.3))
    rows, columns = min(images.shape[1], round(height / scale)), min(images.shape[2], round(width / scale))
    pictures, truths = [], []
    for index in rng.integers(0, len(images), recipe.batch):
        top, left = rng.integers(0, images.shape[1] - rows + 1), rng.integers(0, images.shape[2] - columns + 1)
        step = -1 if rng.random() < 0.5 else 1
        window = (slice(top, top + rows), slice(left, left + columns))
        picture = np.asarray(images[index][window][:, ::step], dtype=np.float32)
        picture = (picture - 128) * rng.uniform(0.8, 1.25) + 128 + rng.uniform(-20, 20)
        pictures.append(picture * rng.uniform(0.92, 1.08, 3).astype(np.float32))
        truths.append(labels[index][window][:, ::step])
    stacked = torch.from_numpy(np.stack(pictures)).clamp(0, 255).permute(0, 3, 1, 2).div(255)
    stacked = (stacked - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    truth = torch.from_numpy(np.stack(truths).astype(np.float32))[:, None]
    stacked = functional.interpolate(stacked, recipe.crop, mode="bilinear", align_corners=False, antialias=True)
    return stacked, functional.interpolate(truth, recipe.crop, mode="nearest")[:, 0].long()


def write(target: Path, network: nn.Module, recipe: Recipe, record: dict[str, Any]) -> None:
    """Write the weights in half precision with what an adapter must know to use them."""
    kept = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    state = {name: value.cpu().to(getattr(torch, recipe.dtype)).contiguous() for name, value in kept.items()}
    metadata = {
        "architecture": recipe.architecture,
        "classes": json.dumps(CARD.classes.names),
        "mean": json.dumps(MEAN),
        "std": json.dumps(STD),
        "training": json.dumps(record),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, target, metadata=metadata)
    target.chmod(0o644)


def measure(model: str, weights: Path, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Scores of the checkpoint as it ships, through the adapter that users meet; fractions, by class too."""
    ready = load(model, CARD, Options(weights=str(weights), device="cpu"))
    size = len(CARD.classes)
    confusion = np.zeros((size, size), dtype=np.int64)
    began = time.monotonic()
    for image, truth in zip(images, labels, strict=True):
        predicted = ready.predict([np.array(image)])[0].labels  # type: ignore[union-attr]
        counted = truth != IGNORE
        pairs = truth[counted].astype(np.int64) * size + predicted[counted]
        confusion += np.bincount(pairs, minlength=size * size).reshape(size, size)
    seconds = (time.monotonic() - began) / len(images)
    hits = np.diag(confusion)
    present = confusion.sum(1) > 0
    scores = hits / np.maximum(confusion.sum(0) + confusion.sum(1) - hits, 1)
    return {
        "val_images": len(images),
        "val_mIoU": round(float(scores[present].mean()), 4),
        "val_pixel_accuracy": round(float(hits.sum() / confusion.sum()), 4),
        "val_IoU": {name: round(float(s), 4) for name, s in zip(CARD.classes.names, scores, strict=True)},
        "seconds_per_image": round(seconds, 3),
    }


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "cpu"


if __name__ == "__main__":
    main()
