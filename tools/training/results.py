"""The results of a training: the checkpoint with its recipe, and its scores from `bench run`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from bench import streets
from bench.models.running.inference import MEAN, STD
from training import objects, scenes
from training.recipes import Recipe

GROUPS = ("semantic", "instance", "boxes")
"""Groups of scores in the record."""


def record_of(recipe: Recipe, seconds: float, device: torch.device) -> dict[str, Any]:
    """The recipe, and the machine it ran on."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    made = {"seconds": round(seconds), "device": name, "torch": torch.__version__}
    return {
        **vars(recipe),
        "crop": list(recipe.crop),
        **made,
        "streets": streets.VERSION,
        "split": "train",
    }


def write(target: Path, network: nn.Module, recipe: Recipe, record: dict[str, Any]) -> None:
    """Write the weights in the recipe's precision, with the metadata that adapters need."""
    kept = {
        name: value
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    state = {
        name: value.cpu().to(getattr(torch, recipe.dtype)).contiguous()
        for name, value in kept.items()
    }
    names = objects.NAMES if recipe.model == "maskrcnn" else scenes.CARD.classes.names
    metadata = {
        "architecture": recipe.architecture,
        "classes": json.dumps(names),
        "mean": json.dumps(MEAN),
        "std": json.dumps(STD),
        "training": json.dumps(record),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, target, metadata=metadata)
    target.chmod(0o644)


def measure(recipe: Recipe, weights: Path, images: int, runs: Path) -> dict[str, Any]:
    """Scores of the checkpoint as it ships, on the first images of val, from `bench run`;
    fractions.

    The run records stay in `runs`, for the boards.
    """
    arguments = [
        "run",
        "--model",
        recipe.model,
        "--weights",
        str(weights),
        "--name",
        recipe.name,
        "--limit",
        str(images),
    ]
    command = [
        sys.executable,
        "-m",
        "bench",
        *arguments,
        "--device",
        "cpu",
        "--out",
        str(runs),
        "--json",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own command
    record = json.loads(done.stdout)
    scores = {group: record["scores"][group] for group in GROUPS if group in record["scores"]}
    return {
        "val_images": images,
        "val": {group: _plain(metrics) for group, metrics in scores.items()},
    }


def _plain(metrics: dict[str, Any]) -> dict[str, Any]:
    """The values of the scores only, rounded to four digits."""
    values: dict[str, Any] = {}
    for name, score in metrics.items():
        if name == "per_class":
            values[name] = {
                class_: plain for class_, of_class in score.items() if (plain := _plain(of_class))
            }
        elif score.get("value") is not None:
            values[name] = round(score["value"], 4)
    return values


def finished(target: Path, recipe: Recipe, images: int) -> bool:
    """Whether this checkpoint was made by this recipe and evaluated on as many images."""
    beside = target.with_suffix(".json")
    if not target.is_file() or not beside.is_file():
        return False
    record = json.loads(beside.read_text(encoding="utf-8"))
    wanted = {
        **vars(recipe),
        "crop": list(recipe.crop),
        "val_images": images,
        "streets": streets.VERSION,
    }
    return all(record.get(key) == value for key, value in wanted.items())


def table(folder: Path) -> str:
    """The checkpoints of a folder as a Markdown table, with all figures from their records."""
    lines = [
        "| file | network | seed | loss | steps | minutes | mIoU | AP of masks | AP of boxes |",
        "|---|---|--:|---|--:|--:|--:|--:|--:|",
    ]
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stem):
        record = json.loads(path.read_text(encoding="utf-8"))
        before = [record["before"]] if "before" in record else []
        steps = " + ".join(f"{record_['steps']}" for record_ in (*before, record))
        minutes = sum(record_["seconds"] for record_ in (*before, record)) / 60
        figures = [
            _percent(record, *where)
            for where in (("semantic", "mIoU"), ("instance", "AP"), ("boxes", "AP"))
        ]
        cells = [
            record["architecture"],
            str(record["seed"]),
            record["loss"],
            steps,
            f"{minutes:.0f}",
            *figures,
        ]
        lines.append(f"| {path.stem} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(record: dict[str, Any], group: str, metric: str) -> str:
    value = record["val"].get(group, {}).get(metric)
    return "" if value is None else f"{100 * value:.1f}"
