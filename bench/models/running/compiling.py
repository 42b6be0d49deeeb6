"""A network compiled by torch.compile, whose failures are reported in one sentence."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from bench.errors import UsageError


class Compiled(nn.Module):
    """A network that is compiled at its first call; `plain` is the network itself."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.plain = network
        self._compiled = torch.compile(network)

    def forward(self, pixels: torch.Tensor) -> Any:
        """The output of the network.

        Raises:
            UsageError: torch cannot compile it here, for example without a C++ compiler.
        """
        from torch._dynamo.exc import TorchDynamoException

        try:
            return self._compiled(pixels)
        except TorchDynamoException as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            reason = lines[0] if lines else type(error).__name__
            raise UsageError(
                f"--compile: torch cannot compile the network here ({reason}); run without it"
            ) from None
