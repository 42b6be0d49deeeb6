"""Train the reference networks on `streets`, and write the shipped checkpoints with the recipe of
each.

    python tools/train_reference.py --all
    python tools/train_reference.py deeplab --seed 2 --steps 3000 --loss focal --out elsewhere

The scenes are drawn once into a cache folder. Training is seeded and repeats to the bit on the same
machine with the same number of threads and the same torch. An interrupted training loses little:
its state is saved in the cache folder, and the same command resumes it and skips what is finished.
A GPU is used if there is one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from training import losses, objects, pixels, results, scenes
from training.recipes import SHIPPED, Recipe

from bench import streets

CHECKPOINTS = Path(__file__).resolve().parents[1] / "bench" / "checkpoints"
CHANGED = ("steps", "seed", "loss", "coarse", "init", "images", "batch", "rate", "threads")
"""Fields of a recipe that the command line can change."""


def main() -> None:
    """Read the command line; train, write and evaluate what is not finished."""
    options = _arguments()
    if options.table:
        print(results.table(options.out))
        return
    options.cache.mkdir(parents=True, exist_ok=True)
    changes = {
        name: getattr(options, name) for name in CHANGED if getattr(options, name) is not None
    }
    chosen = (
        SHIPPED
        if options.all
        else [next(recipe for recipe in SHIPPED if recipe.model == options.model)]
    )
    for recipe in (replace(recipe, **changes) for recipe in chosen):
        target = options.out / f"{recipe.file}.safetensors"
        if results.finished(target, recipe, options.val):
            print(f"{target.name} is finished")
        else:
            make(recipe, target, cache=options.cache, val=options.val)


def make(recipe: Recipe, target: Path, *, cache: Path, val: int) -> None:
    """Train one network, write it to `target`, evaluate it there on `val` images, and print the
    record.
    """
    torch.set_num_threads(recipe.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kept, init = cache / f"{recipe.file}.pt", recipe.beginning(target.parent)
    if recipe.model == "maskrcnn":
        images, _, ids = scenes.draw("train", recipe.images, cache, objects=True)
        network, seconds = objects.train(recipe, images, ids, device=device, kept=kept, init=init)
    else:
        images, labels = scenes.draw("train", recipe.images, cache)
        network, seconds = pixels.train(recipe, images, labels, device=device, kept=kept, init=init)
    record = results.record_of(recipe, seconds, device)
    results.write(target, network, recipe, record)
    record |= results.measure(recipe, target, val, cache / "runs")
    target.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("model", nargs="?", choices=sorted({recipe.model for recipe in SHIPPED}))
    which.add_argument(
        "--all", action="store_true", help="every checkpoint that ships, one after the other"
    )
    which.add_argument(
        "--table",
        action="store_true",
        help="show what was made, as bench/checkpoints/README.md does",
    )
    parser.add_argument(
        "--steps", type=int, help="instead of the recipe's, as everything that follows"
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--loss", help=f"{', '.join(losses.LOSSES)}, or several joined by +; Mask R-CNN has its own"
    )
    parser.add_argument(
        "--coarse", type=float, help="share of the steps that see the scenes at half their size"
    )
    parser.add_argument("--init", help="weights to begin with: a file, or the name of one in --out")
    parser.add_argument("--images", type=int, help="scenes of train to learn from")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rate", type=float, help="the highest learning rate")
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--val", type=int, default=streets.SPLITS["val"], help="scenes of val to measure on"
    )
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "streets-training"
    )
    parser.add_argument("--out", type=Path, default=CHECKPOINTS)
    options = parser.parse_args()
    try:
        losses.loss(options.loss or "weighted")
    except KeyError as error:
        parser.error(f"--loss {options.loss}: there is no {error}, only {', '.join(losses.LOSSES)}")
    if options.loss and (options.all or options.model == "maskrcnn"):
        parser.error("--loss: Mask R-CNN has its own losses; name another model")
    return options


if __name__ == "__main__":
    main()
