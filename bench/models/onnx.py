"""A network exported to ONNX, run by onnxruntime without torch.

`interchange/onnx_runtime.py` runs the network; `interchange/exchange.py` finds out what its input
and output mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, NetworkFile
from bench.models.contract.options import Options

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.interchange.exchange_model import ExchangeModel


def load(card: Card, options: Options) -> ExchangeModel:
    """Load an .onnx file.

    Raises:
        MissingExtra: onnxruntime is not installed.
        UsageError: a GPU that onnxruntime cannot use.
        CheckpointError: a file that cannot be read, or a network that does not fit the card.
    """
    from bench.models.interchange import onnx_runtime

    return onnx_runtime.load(ADAPTER, card, options)


ADAPTER = Adapter(
    name="onnx",
    title="A network exported to ONNX, run by onnxruntime without torch.",
    tasks={"semantic": supported.EXPORTED},
    extra="onnx",
    licence="your own; onnxruntime: MIT",
    weights=NetworkFile(suffixes=(".onnx",), description="an .onnx file"),
    accepts="FILE.onnx",
    also=("onnxruntime",),
    load=load,
)
