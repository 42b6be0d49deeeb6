"""What adapters of semantic networks share before torch is there: the extra is checked, the family made, the rest done.

This module imports no torch at its top, so that `bench list models` and `bench --help` stay light.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.errors import missing_extra
from bench.models import Options

if TYPE_CHECKING:
    from torch import Tensor

    from bench.cards import Card
    from bench.models.running.inference import SemanticModel


def from_torchvision(name: str, architectures: tuple[str, ...], card: Card, options: Options) -> SemanticModel:
    """Make the model of an adapter whose networks are torchvision's.

    Raises:
        MissingExtra: torch or torchvision is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the network or the card.
        UsageError: an option that the model has no use for.
    """
    with extra_of(name):
        from bench.models.architectures import torchvision_networks
        from bench.models.assembling import assembly
    return assembly.assemble(torchvision_networks.family(name, architectures), card, options)


def from_smp(
    name: str,
    network: str,
    told: Callable[[Mapping[str, Tensor]], dict[str, Any]],
    card: Card,
    options: Options,
    *,
    assumes: str = "",
) -> SemanticModel:
    """Make the model of an adapter whose networks are a class of segmentation_models_pytorch.

    `told` gives the keywords of that class that names and shapes of weights tell, `assumes` says what they do not.

    Raises:
        MissingExtra: torch or segmentation_models_pytorch is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the network or the card.
        UsageError: an option that the model has no use for.
    """
    with extra_of(name):
        import segmentation_models_pytorch  # noqa: F401

        from bench.models.architectures import smp_networks
        from bench.models.assembling import assembly
    return assembly.assemble(replace(smp_networks.family(name, network, told), assumes=assumes), card, options)


@contextmanager
def extra_of(name: str) -> Iterator[None]:
    """Imports within need the packages of the extra `models`; a missing one is said as such for this adapter."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "torch").replace("_", "-")
        raise missing_extra(package, "models", f"--model {name}") from None
