"""A torch network behind the doors of an exchange format: arrays in, named arrays out, on any device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import ismethod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import CheckpointError
from bench.models.interchange.exchange_model import Port, Runtime
from bench.samples import Array

PROPER = ("out", "logits", "output", "outputs")
"""Names of the output that counts, in networks with several: those of torchvision and transformers first."""
OF_OBJECTS = frozenset({"boxes", "pred_boxes", "pred_masks", "masks_queries_logits"})
"""Outputs of networks that find objects."""


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
    ready = network
    if any(tensor.device != device for part in parts_of(network) for tensor in _tensors_of(part)):
        ready = network.to(device) if ismethod(network.to) else nn.Module.to(network, device)
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
        parameters=sum(parameter.numel() for parameter in parameters_of(network)),
    )


def parts_of(network: nn.Module) -> Iterator[nn.Module]:
    """The network and all its parts, each once; networks may have attributes called modules, parameters or children."""
    seen: set[nn.Module] = set()
    waiting = [network]
    while waiting:
        part = waiting.pop()
        if part not in seen:
            seen.add(part)
            yield part
            waiting.extend(child for child in part._modules.values() if child is not None)


def parameters_of(network: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters of a network, each once."""
    seen: set[nn.Parameter] = set()
    for part in parts_of(network):
        for parameter in part._parameters.values():
            if parameter is not None and parameter not in seen:
                seen.add(parameter)
                yield parameter


def _tensors_of(part: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers of one part."""
    yield from (each for table in (part._parameters, part._buffers) for each in table.values() if each is not None)


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
    learns = switch and network.training is not False
    learning = [part for part in parts_of(network) if part.training is True] if learns else []
    if learning:
        _switch(network, learning)
    try:
        yield
    finally:
        for part in learning:
            part.training = True


def _switch(network: nn.Module, learning: list[nn.Module]) -> None:
    """Switch to the mode for prediction: by `eval`, or part by part if attributes of the network hide its methods."""
    if all(map(ismethod, (network.eval, network.train, network.children))):
        network.eval()
    for part in learning:
        if part.training is True:
            part.training = False


def _named(answered: Any, path: Path) -> dict[str, Tensor]:
    """The tensors that a network returns: those of a dict by name, others by position; the output that counts first."""
    if isinstance(answered, Tensor):
        answered = {"out": answered}
    elif isinstance(answered, list | tuple) and all(isinstance(entry, Tensor | None) for entry in answered):
        answered = {str(position): entry for position, entry in enumerate(answered)}
    named = {str(name): entry for name, entry in answered.items()} if isinstance(answered, Mapping) else {}
    tensors = {name: entry for name, entry in named.items() if isinstance(entry, Tensor)}
    if not tensors or not OF_OBJECTS.isdisjoint(tensors):
        what = f"a {type(answered).__name__} of {', '.join(named) or 'nothing'}" if named else type(answered).__name__
        raise CheckpointError(
            f"{path} gives {what}, without a tensor of logits or labels for each pixel; boxes and masks of objects "
            "are not read (write predictions for bench eval, or bring a function: --model module:function)"
        )
    # Networks with auxiliary heads return their outputs too, in any order.
    proper = next((name for name in PROPER if name in tensors), None)
    return tensors if proper is None else {proper: tensors[proper], **tensors}
