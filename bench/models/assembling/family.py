"""What a semantic adapter says of itself: its networks, how their weights are told apart, and what a library publishes.

This module holds values only; `finding` and `assembly` act on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from bench.models.weights.checkpoints import Checkpoint


@dataclass(frozen=True)
class Pretrained:
    """Weights that a library publishes: for which architecture and classes, in which file, and how they are fetched."""

    architecture: str
    classes: tuple[str, ...]
    file: str
    fetch: Callable[[Path], object]


@dataclass(frozen=True)
class Family:
    """What one adapter adds: its networks and how their weights are told apart.

    `recognise` names the architecture that wrote a checkpoint, or returns None; `build` makes it with as many outputs;
    `head` begins the names of the layers that give the classes; `stride` is what sides of inputs are padded to.
    `architectures` are those that it tells apart; with `others`, it runs more of its kind where a file names them.
    `folder` reads weights that a library keeps as a folder or under a hub id, None where it has no such form. `assumes`
    says in words what decides the answer and leaves no trace in weights, if anything.
    """

    name: str
    recognise: Callable[[Checkpoint], str | None]
    build: Callable[[str, Checkpoint, int], nn.Module]
    head: str
    architectures: tuple[str, ...]
    others: bool = False
    pretrained: tuple[Pretrained, ...] = ()
    folder: Callable[[str], Checkpoint | None] | None = None
    stride: int = 1
    assumes: str = ""

    @property
    def takes(self) -> str:
        """What may stand behind --weights, in words."""
        return "FILE, a folder that save_pretrained wrote, or a hub id" if self.folder else "FILE"
