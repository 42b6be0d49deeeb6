"""Reads a network saved as TorchScript or by torch.export, and runs it with torch."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from bench.errors import CheckpointError, missing_extra
from bench.models.contract.adapter import Adapter
from bench.models.contract.options import Options
from bench.models.interchange import exchange, exported_archive
from bench.models.interchange.exchange_model import ExchangeModel, Port
from bench.models.weights import digests

if TYPE_CHECKING:
    import torch

    from bench.cards import Card

NAMES = {"torchscript": "TorchScript", "program": "torch.export"}


def load(adapter: Adapter, card: Card, options: Options) -> ExchangeModel:
    """Load a TorchScript file or a program of torch.export.

    Raises:
        MissingExtra: torch is not installed.
        UsageError: a device that is not available.
        CheckpointError: another kind of file, a damaged one, or a network that does not fit.
    """
    path = exchange.file_of(adapter, options)
    kind = exported_archive.kind_of(path)
    try:
        import torch
    except ModuleNotFoundError:
        raise missing_extra("torch", "models", f"--model {adapter.name}") from None
    from bench.models.interchange import torch_runtime
    from bench.models.running import inference

    device = inference.choose_device(options.device)
    read = _read_script if kind == "torchscript" else _read_program
    try:
        # torch warns about how files are written nowadays, which does not concern the reader.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module, port = read(path, device)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} ({NAMES[kind]}) holds Python objects other than tensors, which could run code "
            "when they are read: refused"
        ) from None
    except (
        RuntimeError, ValueError, KeyError, TypeError, AssertionError, AttributeError, OSError,
    ) as error:  # fmt: skip
        raise CheckpointError(
            f"torch {torch.__version__} cannot read {path} ({NAMES[kind]}): {_first_line(error)}"
        ) from None
    runtime = torch_runtime.of_module(
        module,
        device,
        model=adapter.name,
        path=path,
        digest=digests.of_file(path),
        architecture=NAMES[kind],
        port=port,
        switch=False,
    )
    return exchange.assemble(runtime, card, options)


def _read_script(path: Path, device: torch.device) -> tuple[torch.nn.Module, Port]:
    import torch

    module: torch.nn.Module = torch.jit.load(  # type: ignore[no-untyped-call]
        str(path), map_location=device
    )
    return module.eval(), Port("input")


def _read_program(path: Path, device: torch.device) -> tuple[torch.nn.Module, Port]:
    import torch
    from torch.export.passes import move_to_device_pass

    exported_archive.check_program(path)
    # torch.export's reader falls back to unpickling any object; this variable forbids it.
    with mock.patch.dict(os.environ, {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}):
        program = torch.export.load(path)
    names = program.graph_signature.user_inputs
    nodes = program.graph.nodes
    inputs = [node.meta["val"] for node in nodes if node.op == "placeholder" and node.name in names]
    if len(inputs) != 1 or not isinstance(inputs[0], torch.Tensor):
        raise CheckpointError(
            f"{path} takes {len(names)} inputs ({', '.join(map(str, names))}); bench passes it "
            "one image"
        )
    # Free sides are symbols, although torch's type annotations call them int.
    sides: tuple[object, ...] = tuple(inputs[0].shape)
    shape = tuple(side if isinstance(side, int) else None for side in sides)
    port = Port(str(names[0]), shape, str(inputs[0].dtype).removeprefix("torch."))
    return move_to_device_pass(program, device).module(), port


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160].rstrip(". ")
