"""Runs an .onnx file with onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.errors import CheckpointError, UsageError, missing_extra
from bench.models.contract.adapter import Adapter
from bench.models.contract.options import Options
from bench.models.interchange import exchange
from bench.models.interchange.exchange_model import ExchangeModel, Port, Runtime
from bench.models.weights import digests
from bench.samples import Array

if TYPE_CHECKING:
    from bench.cards import Card

DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
}
CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"


def load(adapter: Adapter, card: Card, options: Options) -> ExchangeModel:
    """Load an .onnx file.

    Raises:
        MissingExtra: onnxruntime is not installed.
        UsageError: a GPU that onnxruntime cannot use.
        CheckpointError: a file that cannot be read, or a network that does not fit the card.
    """
    path = exchange.file_of(adapter, options)
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise missing_extra("onnxruntime", "onnx", f"--model {adapter.name}") from None
    has_cuda = CUDA in onnxruntime.get_available_providers()
    if options.device == "cuda" and not has_cuda:
        raise UsageError(
            "--device cuda: this onnxruntime does not support GPUs; install onnxruntime-gpu, "
            "or use --device cpu"
        )
    providers = [CUDA, CPU] if has_cuda and options.device != "cpu" else [CPU]
    session_options = onnxruntime.SessionOptions()
    session_options.log_severity_level = 3  # errors only
    try:
        session = onnxruntime.InferenceSession(str(path), session_options, providers=providers)
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no other class
        raise CheckpointError(
            f"{path} is not an ONNX network that onnxruntime can run: {_first_line(error)}"
        ) from None
    runtime = Runtime(
        model=adapter.name,
        architecture="ONNX",
        path=path,
        digest=digests.of_file(path),
        # onnxruntime falls back to the CPU where the GPU's libraries cannot be loaded.
        device="cuda" if CUDA in session.get_providers() else "cpu",
        layout="NCHW",
        inputs=[_port(entry) for entry in session.get_inputs()],
        outputs=[_port(entry) for entry in session.get_outputs()],
        run=lambda array: _run(session, array),
    )
    return exchange.assemble(runtime, card, options)


def _run(session: Any, array: Array) -> Mapping[str, Array]:
    names = [entry.name for entry in session.get_outputs()]
    try:
        outputs = session.run(names, {session.get_inputs()[0].name: array})
    except Exception as error:  # noqa: BLE001 - as above
        raise RuntimeError(_first_line(error)) from None
    return dict(zip(names, outputs, strict=True))


def _port(entry: Any) -> Port:
    # A free side has a name instead of a number.
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in entry.shape)
    return Port(entry.name, shape, DTYPES.get(entry.type, entry.type))


def _first_line(error: Exception) -> str:
    """The reason in an error of onnxruntime, without its "[ONNXRuntimeError] : code : " prefix."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rpartition("] : ")[2][:160].rstrip(". ")
