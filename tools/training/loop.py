"""The loop that trains all reference networks; a stop loses little, and going on repeats what would have been."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.recipes import Recipe

EVERY = 50
"""Steps between two states that are kept."""


def run(recipe: Recipe, parts: dict[str, Any], kept: Path, loss_at: Callable[[int], Tensor]) -> float:
    """Take the steps of a recipe, going on from `kept` if it holds a state of it; returns the seconds all took.

    `parts` are the network, its optimizer and the schedule of its rate; `loss_at` is the loss of a step.
    """
    start, seconds = resume(recipe, parts, kept)
    began, seen = time.monotonic() - seconds, list[float]()
    for step in range(start, recipe.steps):
        # What is drawn in the network (dropout, the anchors that count) is the same after a stop as without.
        torch.manual_seed(recipe.seed * 1_000_000 + step)
        loss = loss_at(step)
        parts["optimizer"].zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parts["network"].parameters(), 5.0)
        parts["optimizer"].step()
        parts["schedule"].step()
        seen.append(float(loss.detach()))
        if (step + 1) % EVERY == 0 or step + 1 == recipe.steps:
            seconds = time.monotonic() - began
            print(f"{recipe.file} step {step + 1} loss {sum(seen) / len(seen):.3f} {seconds:.0f} s", flush=True)
            seen.clear()
            keep(recipe, parts, kept, step=step + 1, seconds=seconds)
    parts["network"].eval()
    return seconds


def resume(recipe: Recipe, parts: dict[str, Any], kept: Path) -> tuple[int, float]:
    """Load the kept state of this recipe into the parts; returns the steps and seconds that it has behind it."""
    if not kept.exists():
        return 0, 0.0
    saved = torch.load(kept, weights_only=True)
    if saved["recipe"] != repr(recipe):
        return 0, 0.0
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return saved["step"], saved["seconds"]


def keep(recipe: Recipe, parts: dict[str, Any], kept: Path, *, step: int, seconds: float) -> None:
    """Write the state that `resume` reads; a stop while writing leaves the former one."""
    states = {name: part.state_dict() for name, part in parts.items()}
    partial = kept.with_suffix(".partial")
    torch.save({**states, "step": step, "seconds": seconds, "recipe": repr(recipe)}, partial)
    partial.replace(kept)
