"""A network exported to ONNX, run by onnxruntime without torch.

What its file does not say comes from a sidecar; `exchange` does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.errors import CheckpointError, UsageError, missing_extra
from bench.models import Options
from bench.models.interchange import exchange
from bench.models.interchange.exchange_model import ExchangeModel, Port, Runtime
from bench.models.weights import digests
from bench.samples import Array

if TYPE_CHECKING:
    from bench.cards import Card

TASKS = ("semantic",)
EXTRA = "onnx"
LICENCE = "your own; onnxruntime: MIT"
TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
}
CUDA = "CUDAExecutionProvider"


def load(card: Card, options: Options) -> ExchangeModel:
    """Load an .onnx file.

    Raises:
        MissingExtra: onnxruntime is not installed.
        CheckpointError: a file that cannot be read, or a network that does not fit the card.
    """
    path = exchange.file_of("onnx", options)
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise missing_extra("onnxruntime", "onnx", "--model onnx") from None
    there = CUDA in onnxruntime.get_available_providers()
    if options.device == "cuda" and not there:
        raise UsageError("--device cuda: this onnxruntime has no GPU; install onnxruntime-gpu, or take --device cpu")
    cuda = there and options.device != "cpu"
    asked = onnxruntime.SessionOptions()
    asked.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), asked, providers=[CUDA, "CPUExecutionProvider"] if cuda else ["CPUExecutionProvider"]
        )
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no other class
        raise CheckpointError(f"{path} is no ONNX network that onnxruntime can run: {_line(error)}") from None
    runtime = Runtime(
        model="onnx",
        architecture="ONNX",
        path=path,
        digest=digests.of_file(path),
        device="cuda" if CUDA in session.get_providers() else "cpu",
        layout="NCHW",
        inputs=[_port(each) for each in session.get_inputs()],
        outputs=[_port(each) for each in session.get_outputs()],
        run=lambda given: _run(session, given),
    )
    return exchange.assemble(runtime, card, options)


def _run(session: Any, given: Array) -> Mapping[str, Array]:
    names = [each.name for each in session.get_outputs()]
    try:
        return dict(zip(names, session.run(names, {session.get_inputs()[0].name: given}), strict=True))
    except Exception as error:  # noqa: BLE001 - as above
        raise RuntimeError(_line(error)) from None


def _port(described: Any) -> Port:
    # A side that is free has a name in place of a number.
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in described.shape)
    return Port(described.name, shape, TYPES.get(described.type, described.type))


def _line(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return text.rpartition("] : ")[2][:160].rstrip(". ")
