"""A torch network behind the doors of an exchange format: arrays in, named arrays out, on any device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import CheckpointError
from bench.models.interchange.exchange_model import Port, Runtime
from bench.samples import Array


def of_module(
    network: nn.Module,
    device: torch.device,
    *,
    model: str,
    path: Path,
    digest: str | None,
    architecture: str = "",
    port: Port | None = None,
    switch: bool = True,
) -> Runtime:
    """The runtime of a network that is put on the device and runs without a gradient.

    `switch` puts it into the mode for prediction while it runs; networks that were saved in their mode cannot be.
    """
    ready = network.to(device)
    return Runtime(
        model=model,
        architecture=architecture or type(network).__name__,
        path=path,
        digest=digest or "",
        device=device.type,
        layout="NCHW",
        inputs=[port or Port("input")],
        outputs=[],
        run=_runner(ready, device, path, switch=switch),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )


def _runner(
    network: nn.Module, device: torch.device, path: Path, *, switch: bool
) -> Callable[[Array], Mapping[str, Array]]:
    def run(given: Array) -> Mapping[str, Array]:
        with torch.inference_mode(), _predicting(network, switch=switch):
            answered = network(torch.from_numpy(given).to(device))
        return {name: tensor.cpu().numpy() for name, tensor in _named(answered, path).items()}

    return run


@contextmanager
def _predicting(network: nn.Module, *, switch: bool) -> Iterator[None]:
    """In the mode for prediction; every part that was in the mode for training is put back into it."""
    learning = [part for part in network.modules() if part.training] if switch and network.training else []
    if learning:
        network.eval()
    try:
        yield
    finally:
        for part in learning:
            part.training = True


def _named(answered: Any, path: Path) -> dict[str, Tensor]:
    """The tensors that a network answers with: those of a dict by name, others by position."""
    if isinstance(answered, Tensor):
        answered = {"out": answered}
    elif isinstance(answered, list | tuple):
        answered = {str(position): entry for position, entry in enumerate(answered)}
    tensors = answered if isinstance(answered, Mapping) else {}
    if not tensors or not all(isinstance(entry, Tensor) for entry in tensors.values()):
        raise CheckpointError(
            f"{path} gives no table of tensors: a class for each pixel is read from such networks; boxes and masks of "
            "objects are not (write predictions for bench eval, or bring a function: --model module:function)"
        )
    return {str(name): tensor for name, tensor in tensors.items()}
