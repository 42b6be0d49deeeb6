"""A network in a .tflite file, run by LiteRT (TensorFlow Lite) on the CPU.

`interchange/litert_runtime.py` runs the network; `interchange/exchange.py` finds out what its input
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
    """Load a .tflite file.

    Raises:
        MissingExtra: ai-edge-litert is not installed.
        UsageError: --device cuda.
        CheckpointError: a file that cannot be read, or a network that does not fit the card.
    """
    from bench.models.interchange import litert_runtime

    return litert_runtime.load(ADAPTER, card, options)


ADAPTER = Adapter(
    name="litert",
    title="A network in a .tflite file, run by LiteRT (TensorFlow Lite) on the CPU.",
    tasks={"semantic": supported.EXPORTED},
    extra="litert",
    licence="your own; LiteRT: Apache-2.0",
    weights=NetworkFile(suffixes=(".tflite",), description="a .tflite file"),
    accepts="FILE.tflite",
    also=("tensorflowlite", "tflite"),
    load=load,
)
