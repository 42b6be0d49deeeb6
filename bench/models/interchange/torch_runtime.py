"""A torch network as a `Runtime`: arrays in, named arrays out, on any device."""

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

MAIN_OUTPUTS = ("out", "logits", "output", "outputs")
"""Names of the main output in networks with several; those of torchvision and transformers
first.
"""
OBJECT_OUTPUTS = frozenset({"boxes", "pred_boxes", "pred_masks", "masks_queries_logits"})
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
    """The runtime of a network, which is moved to the device and runs without gradients.

    `switch` sets the network to evaluation mode while it runs; networks saved by TorchScript and
    torch.export were saved in that mode and cannot be switched.
    """
    ready = network
    if any(
        tensor.device != device for module_ in parts_of(network) for tensor in _tensors_of(module_)
    ):
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
    """The network and all its submodules, each once.

    `network.modules()` is not used: a user's network may have attributes called modules,
    parameters or children, which hide the methods.
    """
    seen: set[nn.Module] = set()
    waiting = [network]
    while waiting:
        module_ = waiting.pop()
        if module_ not in seen:
            seen.add(module_)
            yield module_
            waiting.extend(child for child in module_._modules.values() if child is not None)


def parameters_of(network: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters of a network, each once."""
    seen: set[nn.Parameter] = set()
    for module_ in parts_of(network):
        for parameter in module_._parameters.values():
            if parameter is not None and parameter not in seen:
                seen.add(parameter)
                yield parameter


def _tensors_of(module_: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers of one part."""
    for table in (module_._parameters, module_._buffers):
        yield from (tensor for tensor in table.values() if tensor is not None)


def _runner(
    network: nn.Module, device: torch.device, path: Path, *, switch: bool
) -> Callable[[Array], Mapping[str, Array]]:
    def run(array: Array) -> Mapping[str, Array]:
        with torch.inference_mode(), _evaluation_mode(network, switch=switch):
            returned = network(torch.from_numpy(array).to(device))
        return {name: tensor.cpu().numpy() for name, tensor in _named(returned, path).items()}

    return run


@contextmanager
def _evaluation_mode(network: nn.Module, *, switch: bool) -> Iterator[None]:
    """Run in evaluation mode, and put every part that was in training mode back into it.

    The network may be in use in a training loop, in which some parts may be frozen.
    """
    training: list[nn.Module] = []
    if switch and network.training is not False:
        training = [module_ for module_ in parts_of(network) if module_.training is True]
    if training:
        _switch(network, training)
    try:
        yield
    finally:
        for module_ in training:
            module_.training = True


def _switch(network: nn.Module, training: list[nn.Module]) -> None:
    """Switch to evaluation mode by `eval`, or part by part if attributes hide the methods."""
    # A network may override `eval` to do more than set the flag, so that it is preferred.
    if all(map(ismethod, (network.eval, network.train, network.children))):
        network.eval()
    for module_ in training:
        if module_.training is True:
            module_.training = False


def _named(returned: Any, path: Path) -> dict[str, Tensor]:
    """The tensors that a network returns, the main output first.

    Those of a dict are named by their keys, others by their position.
    """
    if isinstance(returned, Tensor):
        returned = {"out": returned}
    elif isinstance(returned, list | tuple) and all(
        isinstance(entry, Tensor | None) for entry in returned
    ):
        returned = {str(position): entry for position, entry in enumerate(returned)}
    named: dict[str, Any] = {}
    if isinstance(returned, Mapping):
        named = {str(name): entry for name, entry in returned.items()}
    tensors = {name: entry for name, entry in named.items() if isinstance(entry, Tensor)}
    if not tensors or not OBJECT_OUTPUTS.isdisjoint(tensors):
        kind = type(returned).__name__
        if named:
            kind = f"a {kind} of {', '.join(named)}"
        raise CheckpointError(
            f"{path} returns {kind}, without a tensor of logits or labels for each pixel; boxes "
            "and masks of objects are not read (write predictions for bench eval, or wrap the "
            "network in a function: --model module:function)"
        )
    # Networks with auxiliary heads return their outputs too, in any order.
    main = next((name for name in MAIN_OUTPUTS if name in tensors), None)
    return tensors if main is None else {main: tensors[main], **tensors}
