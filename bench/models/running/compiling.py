"""A network compiled by torch.compile, whose failures are told in one sentence; it knows nothing of segmentation."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from bench.errors import UsageError


class Compiled(nn.Module):
    """A network that is compiled when it is called first; `plain` is the network itself."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.plain = network
        self._compiled = torch.compile(network)

    def forward(self, pixels: torch.Tensor) -> Any:
        """What the network answers.

        Raises:
            UsageError: torch cannot compile it here, as where there is no C++ compiler.
        """
        from torch._dynamo.exc import TorchDynamoException

        try:
            return self._compiled(pixels)
        except TorchDynamoException as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise UsageError(f"--compile: torch cannot compile the network here ({reason}): leave it out") from None
