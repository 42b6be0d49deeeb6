"""A network saved as TorchScript or by torch.export (.pt2).

Both hold the network itself, not only its weights. `interchange/exported_network.py` reads the
file without unpickling it; `interchange/exchange.py` finds out what input and output mean.
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
    """Load a TorchScript file or a program of torch.export.

    Raises:
        MissingExtra: torch is not installed.
        UsageError: a device that is not available.
        CheckpointError: another kind of file, a damaged one, or a network that does not fit.
    """
    from bench.models.interchange import exported_network

    return exported_network.load(ADAPTER, card, options)


ADAPTER = Adapter(
    name="exported",
    title="A network saved as TorchScript or by torch.export (.pt2).",
    tasks={"semantic": supported.EXPORTED},
    extra="models",
    licence="your own; torch: BSD-3-Clause",
    weights=NetworkFile(
        suffixes=(".pt2", ".torchscript", ".ptl"),
        description="a TorchScript or torch.export file",
    ),
    accepts="FILE.pt or FILE.pt2 (TorchScript, torch.export)",
    also=("torchexport", "torchscript"),
    load=load,
)
