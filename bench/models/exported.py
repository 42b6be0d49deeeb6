"""A network saved as TorchScript or by torch.export (.pt2).

Both hold the network itself, not only its weights; neither is unpickled. What the file does not say comes from a
sidecar; `exchange` does the rest.
"""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from bench.errors import CheckpointError, missing_extra
from bench.models import Options, digests, exchange, exported_archive
from bench.models.exchange_model import ExchangeModel, Port, Runtime
from bench.samples import Array

if TYPE_CHECKING:
    import torch

    from bench.cards import Card

TASKS = ("semantic",)
EXTRA = "models"
LICENCE = "your own; torch: BSD-3-Clause"
NAMES = {"torchscript": "TorchScript", "program": "torch.export"}


def load(card: Card, options: Options) -> ExchangeModel:
    """Load a TorchScript file or a program of torch.export.

    Raises:
        MissingExtra: torch is not installed.
        UsageError: a device that is not there.
        CheckpointError: another kind of file, one that cannot be read, or a network that does not fit the card.
    """
    path = exchange.file_of("exported", options, "a TorchScript or torch.export file")
    kind = exported_archive.kind_of(path)
    try:
        import torch
    except ModuleNotFoundError:
        raise missing_extra("torch", "models", "--model exported") from None
    from bench.models import inference

    device = inference.choose_device(options.device)
    try:
        with _quiet():
            module, port = (_script if kind == "torchscript" else _program)(path, device)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} is {NAMES[kind]} with Python objects besides tensors, which could run code when read: refused"
        ) from None
    except (RuntimeError, ValueError, KeyError, TypeError, AssertionError, AttributeError, OSError) as error:
        raise CheckpointError(
            f"{path} is {NAMES[kind]} that torch {torch.__version__} cannot read: {_line(error)}"
        ) from None
    runtime = Runtime(
        model="exported",
        architecture=NAMES[kind],
        path=path,
        digest=digests.of_file(path),
        device=device.type,
        layout="NCHW",
        inputs=[port],
        outputs=[],
        run=_runner(module, device, path),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
    )
    return exchange.assemble(runtime, card, options)


def _script(path: Path, device: torch.device) -> tuple[torch.nn.Module, Port]:
    import torch

    module: torch.nn.Module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
    return module.eval(), Port("input")


def _program(path: Path, device: torch.device) -> tuple[torch.nn.Module, Port]:
    import torch
    from torch.export.passes import move_to_device_pass

    exported_archive.check_program(path)
    # torch.export's reader falls back to unpickling anything; this forbids it.
    with mock.patch.dict(os.environ, {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}):
        program = torch.export.load(path)
    names = program.graph_signature.user_inputs
    given = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(given) != 1 or not isinstance(given[0], torch.Tensor):
        raise CheckpointError(
            f"{path} takes {len(names)} inputs ({', '.join(map(str, names))}); bench gives it one image"
        )
    # Sides that are free are symbols, which pass for numbers among type checkers.
    sides: tuple[object, ...] = tuple(given[0].shape)
    shape = tuple(side if isinstance(side, int) else None for side in sides)
    port = Port(str(names[0]), shape, str(given[0].dtype).removeprefix("torch."))
    return move_to_device_pass(program, device).module(), port


def _runner(module: torch.nn.Module, device: torch.device, path: Path) -> Callable[[Array], Mapping[str, Array]]:
    import torch

    def run(given: Array) -> Mapping[str, Array]:
        with torch.inference_mode():
            answered = module(torch.from_numpy(given).to(device))
        return {name: tensor.cpu().numpy() for name, tensor in _named(answered, path).items()}

    return run


def _named(answered: Any, path: Path) -> dict[str, torch.Tensor]:
    """The tensors that a network answers with: those of a dict by name, others by position."""
    import torch

    if isinstance(answered, torch.Tensor):
        answered = {"out": answered}
    elif isinstance(answered, list | tuple):
        answered = {str(position): entry for position, entry in enumerate(answered)}
    tensors = answered if isinstance(answered, Mapping) else {}
    if not tensors or not all(isinstance(entry, torch.Tensor) for entry in tensors.values()):
        raise CheckpointError(
            f"{path} gives no table of tensors: a class for each pixel is read from exported networks; boxes and masks "
            "of objects are not (write predictions for bench eval, or bring a function: --model module:function)"
        )
    return {str(name): tensor for name, tensor in tensors.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's remarks on how files are written these days."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160].rstrip(". ")
