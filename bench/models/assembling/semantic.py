"""Makes semantic models of the adapters whose networks come from a library.

This module imports torch inside its functions only, so that the adapters' declarations stay light.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.errors import missing_extra
from bench.models.contract.adapter import Adapter
from bench.models.contract.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from bench.cards import Card
    from bench.models.running.inference import SemanticModel


def from_torchvision(adapter: Adapter, card: Card, options: Options) -> SemanticModel:
    """Make the model of an adapter whose networks are torchvision's.

    Raises:
        MissingExtra: torch or torchvision is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit.
        UsageError: an option that the model does not support.
    """
    with needs_extra(adapter.name):
        from bench.models.architectures import torchvision_networks
        from bench.models.assembling import assembly
    return assembly.assemble(torchvision_networks.blueprint(adapter), card, options)


def from_smp(
    adapter: Adapter,
    keywords_of: Callable[[Mapping[str, Tensor]], dict[str, Any]],
    card: Card,
    options: Options,
    *,
    assumes: str = "",
) -> SemanticModel:
    """Make the model of an adapter whose networks are a class of segmentation_models_pytorch.

    Args:
        adapter: the adapter, which names the class.
        keywords_of: the keywords of the class that names and shapes of tensors reveal.
        card: the data set whose classes are predicted.
        options: the options of the model.
        assumes: what the weights do not reveal, in words.

    Raises:
        MissingExtra: torch or segmentation_models_pytorch is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit.
        UsageError: an option that the model does not support.
    """
    with needs_extra(adapter.name):
        import segmentation_models_pytorch  # noqa: F401

        from bench.models.architectures import smp_networks
        from bench.models.assembling import assembly
    blueprint = smp_networks.blueprint(adapter, keywords_of, assumes=assumes)
    return assembly.assemble(blueprint, card, options)


@contextmanager
def needs_extra(adapter: str) -> Iterator[None]:
    """For imports that need the extra `models`.

    Raises:
        MissingExtra: one of its packages is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "torch").replace("_", "-")
        raise missing_extra(package, "models", f"--model {adapter}") from None
