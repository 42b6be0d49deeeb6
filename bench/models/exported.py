"""A network saved as TorchScript or by torch.export (.pt2).

Both hold the network itself, not only its weights; neither is unpickled. What the file does not say comes from a
sidecar; `exchange` does the rest.
"""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from bench.errors import CheckpointError, missing_extra
from bench.models import Options
from bench.models.interchange import exchange, exported_archive
from bench.models.interchange.exchange_model import ExchangeModel, Port
from bench.models.weights import digests

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
    path = exchange.file_of("exported", options)
    kind = exported_archive.kind_of(path)
    try:
        import torch
    except ModuleNotFoundError:
        raise missing_extra("torch", "models", "--model exported") from None
    from bench.models.interchange import torch_runtime
    from bench.models.running import inference

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
    runtime = torch_runtime.of_module(
        module,
        device,
        model="exported",
        path=path,
        digest=digests.of_file(path),
        architecture=NAMES[kind],
        port=port,
        switch=False,
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's remarks on how files are written these days."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160].rstrip(". ")
