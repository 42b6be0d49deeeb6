"""Runs a .tflite file with LiteRT, on the CPU.

Quantised inputs get the pixels as they are; quantised outputs are scaled back by the parameters in
the file (`exchange` does both).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import CheckpointError, UsageError, missing_extra
from bench.models.contract.adapter import Adapter
from bench.models.contract.options import Options
from bench.models.interchange import exchange
from bench.models.interchange.exchange_model import ExchangeModel, Port, Runtime
from bench.models.weights import digests
from bench.samples import Array

if TYPE_CHECKING:
    from bench.cards import Card


def load(adapter: Adapter, card: Card, options: Options) -> ExchangeModel:
    """Load a .tflite file.

    Raises:
        MissingExtra: ai-edge-litert is not installed.
        UsageError: --device cuda.
        CheckpointError: a file that cannot be read, or a network that does not fit the card.
    """
    path = exchange.file_of(adapter, options)
    if options.device == "cuda":
        raise UsageError(f"--device cuda: --model {adapter.name} runs on the CPU only")
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        raise missing_extra("ai-edge-litert", "litert", f"--model {adapter.name}") from None
    try:
        network = Interpreter(model_path=str(path), num_threads=min(8, os.cpu_count() or 1))
        network.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or ["it cannot be read"])[0][:160]
        raise CheckpointError(f"{path} is not a network that LiteRT can run: {reason}") from None
    runtime = Runtime(
        model=adapter.name,
        architecture="TFLite",
        path=path,
        digest=digests.of_file(path),
        device="cpu",
        layout="NHWC",
        inputs=[_port(details) for details in network.get_input_details()],
        outputs=[_port(details) for details in network.get_output_details()],
        run=lambda array: _run(network, array),
    )
    return exchange.assemble(runtime, card, options)


def _run(network: Any, array: Array) -> Mapping[str, Array]:
    (details,) = network.get_input_details()
    if tuple(details["shape"]) != array.shape:
        network.resize_tensor_input(details["index"], array.shape)
        network.allocate_tensors()
    network.set_tensor(details["index"], array)
    network.invoke()
    outputs = network.get_output_details()
    return {output["name"]: network.get_tensor(output["index"]) for output in outputs}


def _port(details: Mapping[str, Any]) -> Port:
    shape = tuple(int(side) if side > 0 else None for side in details["shape_signature"])
    quantisation = details["quantization_parameters"]
    scales = np.asarray(quantisation["scales"], dtype=np.float32)
    zeros = np.asarray(quantisation["zero_points"], dtype=np.float32)
    # A float tensor has either no scales or scales of zero.
    if not scales.size or not scales.all():
        scales = zeros = np.zeros(0, np.float32)
    return Port(
        name=details["name"],
        shape=shape,
        dtype=np.dtype(details["dtype"]).name,
        scales=scales,
        zeros=zeros,
        axis=int(quantisation["quantized_dimension"]),
    )
