"""How the networks of one adapter are recognised by their weights, built, and published.

Values only: `weights/finding.py` and `assembling/assembly.py` act on them. The torch part of what
an adapter declares; the part that needs no torch is in `adapter.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from bench.models.weights.checkpoints import Checkpoint


@dataclass(frozen=True)
class Pretrained:
    """Weights that a library publishes for one architecture: their classes, file, and download."""

    architecture: str
    classes: tuple[str, ...]
    file: str
    fetch: Callable[[Path], object]


@dataclass(frozen=True)
class Blueprint:
    """The networks of one adapter.

    Attributes:
        name: the adapter.
        recognise: returns the architecture that a checkpoint belongs to, None if it is unknown.
        build: makes the network of an architecture with a number of output channels.
        head: prefix of the names of the layers that return the classes.
        architectures: the architectures that `recognise` can return.
        open_ended: whether files may name further architectures of the same class.
        pretrained: what a library publishes, the preferred weights first.
        folder: reads weights from a folder or hub id; None if the library has no such form.
        stride: inputs are padded to multiples of it.
        assumes: what decides the predictions but leaves no trace in the weights; "" if nothing
            does.
    """

    name: str
    recognise: Callable[[Checkpoint], str | None]
    build: Callable[[str, Checkpoint, int], nn.Module]
    head: str
    architectures: tuple[str, ...]
    open_ended: bool = False
    pretrained: tuple[Pretrained, ...] = ()
    folder: Callable[[str], Checkpoint | None] | None = None
    stride: int = 1
    assumes: str = ""

    @property
    def accepts(self) -> str:
        """What may follow --weights."""
        return "FILE, a folder that save_pretrained wrote, or a hub id" if self.folder else "FILE"
