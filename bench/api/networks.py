"""A torch network that is run on the tensors of the user's own data set, without any change of
them.

It stays on its device and in its mode. torch is imported only if a network is passed, so it is
loaded already.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.cards import Card
from bench.errors import PredictionError, UsageError
from bench.models import Options, refuse_unsupported

if TYPE_CHECKING:
    import torch

OUTPUTS = ("out", "logits", "pred_masks")
"""Keys under which networks of torchvision and transformers return class scores."""


def is_network(model: Any) -> bool:
    """Whether this is a torch network; without torch loaded it cannot be one."""
    if "torch" not in sys.modules:
        return False
    from torch import nn

    return isinstance(model, nn.Module)


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is run on one image at a time."""

    network: torch.nn.Module
    name: str
    task: str
    classes: int

    @classmethod
    def of(cls, network: Any, name: str, card: Card, options: Options) -> Network:
        """Wrap a network, and refuse options that have no effect on it.

        Raises:
            UsageError: such an option, or a panoptic evaluation.
        """
        refuse_unsupported(name, options, ())
        for option, value in (("weights", options.weights), ("batch_size", options.batch_size)):
            if value is not None:
                raise UsageError(
                    f"the option {option} has no effect on a network passed from Python: leave "
                    "it out"
                )
        if options.device != "auto":
            raise UsageError(
                "a network passed from Python stays on its device: leave the option device out"
            )
        if options.task == "panoptic":
            raise UsageError(
                "a network returns classes or objects: for panoptic segments pass a function "
                "of one image"
            )
        return cls(network, name, str(options.task), len(card.classes))

    @property
    def identity(self) -> dict[str, Any]:
        """Which network it is."""
        parameters = sum(weights.numel() for weights in self.network.parameters())
        return {
            "kind": "model",
            "model": self.name,
            "architecture": type(self.network).__name__,
        } | {"parameters": parameters}

    @property
    def settings(self) -> dict[str, Any]:
        """How it runs."""
        return {"device": str(self._device), "batch_size": 1, "amp": False, "input_size": None}

    @property
    def _device(self) -> torch.device:
        import torch

        first = next(self.network.parameters(), None)
        return torch.device("cpu") if first is None else first.device

    def answer(self, image: torch.Tensor, size: tuple[int, int] | None) -> Any:
        """The prediction for a tensor (3, H, W): labels in the size of the ground truth, or a dict
        of objects.

        Raises:
            PredictionError: an output of another form.
        """
        import torch

        modules = list(torch.nn.Module.modules(self.network))
        modes = [module.training for module in modules]
        self.network.eval()
        try:
            with torch.inference_mode():
                pixels = image.to(self._device)
                output = (
                    self.network([pixels])
                    if self.task == "instance"
                    else self.network(pixels[None])
                )
                return output[0] if self.task == "instance" else self._labels(output, size)
        finally:
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode

    def _labels(self, output: Any, size: tuple[int, int] | None) -> torch.Tensor:
        import torch

        if isinstance(output, Mapping):
            output = next((output[key] for key in OUTPUTS if key in output), None)
        output = getattr(output, "logits", output)
        if not isinstance(output, torch.Tensor) or output.ndim not in (3, 4) or len(output) != 1:
            returned = (
                tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
            )
            raise PredictionError(
                f"{self.name}: the network must return scores (1, C, H, W) or labels (1, H, "
                f"W), got {returned}"
            )
        # (1, H, W) of whole numbers are labels already; (1, C, H, W) and (1, H, W) of floats are
        # logits, where a single channel is the foreground of two classes (positive: class 1).
        if output.ndim == 3 and not output.is_floating_point():
            return output[0]
        logits = output if output.ndim == 4 else output[None]
        if logits.shape[1] not in (self.classes, 1) or (logits.shape[1] == 1 and self.classes != 2):
            raise PredictionError(
                f"{self.name}: the network must return one channel per class: got "
                f"{logits.shape[1]} channels for {self.classes} classes"
            )
        if size is not None and tuple(logits.shape[-2:]) != size:
            logits = torch.nn.functional.interpolate(
                logits.float(), size=size, mode="bilinear", align_corners=False
            )
        return (logits[0, 0] > 0).long() if logits.shape[1] == 1 else logits[0].argmax(0)
