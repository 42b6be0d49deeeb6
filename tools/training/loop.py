"""The loop that trains all reference networks; an interrupted training resumes with the same
result.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.recipes import Recipe

EVERY = 50
"""Steps between two saved states."""


def run(
    recipe: Recipe, parts: dict[str, Any], kept: Path, loss_at: Callable[[int], Tensor]
) -> float:
    """Run the steps of a recipe, resuming from `kept` if it has a state; return the seconds in
    total.

    `parts` are the network, its optimizer and the schedule of its rate; `loss_at` is the loss of a
    step.
    """
    start, seconds = resume(recipe, parts, kept)
    began, seen = time.monotonic() - seconds, list[float]()
    for step in range(start, recipe.steps):
        # What is drawn in the network (dropout, the anchors that count) is the same after a stop as
        # without.
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
            print(
                f"{recipe.file} step {step + 1} loss {sum(seen) / len(seen):.3f} {seconds:.0f} s",
                flush=True,
            )
            seen.clear()
            keep(recipe, parts, kept, step=step + 1, seconds=seconds)
    parts["network"].eval()
    return seconds


def resume(recipe: Recipe, parts: dict[str, Any], kept: Path) -> tuple[int, float]:
    """Load the kept state of this recipe into the parts; return its steps and seconds so far."""
    if not kept.exists():
        return 0, 0.0
    saved = torch.load(kept, weights_only=True)
    if saved["recipe"] != repr(recipe):
        return 0, 0.0
    for name, component in parts.items():
        component.load_state_dict(saved[name])
    return saved["step"], saved["seconds"]


def keep(recipe: Recipe, parts: dict[str, Any], kept: Path, *, step: int, seconds: float) -> None:
    """Write the state that `resume` reads; if writing is interrupted, the previous one is kept."""
    states = {name: component.state_dict() for name, component in parts.items()}
    partial = kept.with_suffix(".partial")
    torch.save({**states, "step": step, "seconds": seconds, "recipe": repr(recipe)}, partial)
    partial.replace(kept)
