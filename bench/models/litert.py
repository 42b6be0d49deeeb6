"""A network in a .tflite file, run by LiteRT (TensorFlow Lite) on the CPU.

Quantised inputs take pixels as they are, quantised outputs are scaled back by the numbers in the file; the rest is done
by `exchange`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import CheckpointError, UsageError, missing_extra
from bench.models import Options
from bench.models.interchange import exchange
from bench.models.interchange.exchange_model import ExchangeModel, Port, Runtime
from bench.models.weights import digests
from bench.samples import Array

if TYPE_CHECKING:
    from bench.cards import Card

TASKS = ("semantic",)
EXTRA = "litert"
LICENCE = "your own; LiteRT: Apache-2.0"


def load(card: Card, options: Options) -> ExchangeModel:
    """Load a .tflite file.

    Raises:
        MissingExtra: ai-edge-litert is not installed.
        UsageError: a GPU is asked for.
        CheckpointError: a file that cannot be read, or a network that does not fit the card.
    """
    path = exchange.file_of("litert", options)
    if options.device == "cuda":
        raise UsageError("--device cuda: --model litert runs on the CPU alone; leave --device out")
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        raise missing_extra("ai-edge-litert", "litert", "--model litert") from None
    try:
        network = Interpreter(model_path=str(path), num_threads=min(8, os.cpu_count() or 1))
        network.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or ["it cannot be read"])[0][:160]
        raise CheckpointError(f"{path} is no network that LiteRT can run: {reason}") from None
    runtime = Runtime(
        model="litert",
        architecture="TFLite",
        path=path,
        digest=digests.of_file(path),
        device="cpu",
        layout="NHWC",
        inputs=[_port(each) for each in network.get_input_details()],
        outputs=[_port(each) for each in network.get_output_details()],
        run=lambda given: _run(network, given),
    )
    return exchange.assemble(runtime, card, options)


def _run(network: Any, given: Array) -> Mapping[str, Array]:
    (taken,) = network.get_input_details()
    if tuple(taken["shape"]) != given.shape:
        network.resize_tensor_input(taken["index"], given.shape)
        network.allocate_tensors()
    network.set_tensor(taken["index"], given)
    network.invoke()
    return {each["name"]: network.get_tensor(each["index"]) for each in network.get_output_details()}


def _port(described: Mapping[str, Any]) -> Port:
    shape = tuple(int(side) if side > 0 else None for side in described["shape_signature"])
    said = described["quantization_parameters"]
    scales, zeros = (np.asarray(said[key], dtype=np.float32) for key in ("scales", "zero_points"))
    used = bool(scales.size and scales.all())
    empty = np.zeros(0, np.float32)
    return Port(
        name=described["name"],
        shape=shape,
        dtype=np.dtype(described["dtype"]).name,
        scales=scales if used else empty,
        zeros=zeros if used else empty,
        axis=int(said["quantized_dimension"]),
    )
