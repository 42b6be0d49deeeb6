"""What the evaluation loop needs of a model; the loop knows nothing else about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from bench.samples import Image, Prediction, Prompts, Rle


class Model(Protocol):
    """A network ready to predict."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What it is: name, architecture, weights file and digest, number of parameters."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """How it runs: device, batch_size, amp, input_size; shown beside the scores."""
        ...

    @property
    def task(self) -> str:
        """The task that it runs."""
        ...

    @property
    def batch_size(self) -> int:
        """How many images `predict` gets at once."""
        ...

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Predict a batch of images, each (H, W, 3) uint8 RGB, in each image's own size."""
        ...


class PromptableModel(Protocol):
    """A network that predicts a mask for each prompted object; `bench.prompting` makes the
    prompts.
    """

    @property
    def identity(self) -> Mapping[str, Any]:
        """As `Model`."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """As `Model`."""
        ...

    @property
    def task(self) -> str:
        """Always "prompted"."""
        ...

    @property
    def batch_size(self) -> int:
        """As `Model`."""
        ...

    def predict(self, images: Sequence[Image], prompts: Sequence[Prompts]) -> list[list[Rle]]:
        """Predict one mask for each prompted object of each image."""
        ...
