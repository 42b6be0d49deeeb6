"""The models that `--model` names: one adapter per file of this folder, and the user's own code.

`--model deeplab` is `deeplab.py`, which declares an `Adapter` (`contract/adapter.py`). Models never
see the ground truth and never look for data. torch is imported when a model is loaded, not before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from bench.errors import UsageError
from bench.models.contract import catalogue
from bench.models.contract.catalogue import describe
from bench.models.contract.model import Model
from bench.models.contract.options import (
    Device,
    Options,
    Task,
    refuse_invalid,
    refuse_unsupported,
)
from bench.models.naming import resolving

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.naming.resolving import Resolved

__all__ = [
    "Device",
    "Model",
    "Options",
    "Task",
    "check",
    "describe",
    "load",
    "names",
    "refuse_invalid",
    "refuse_unsupported",
    "resolve",
]


def names() -> list[str]:
    """Names of the adapters that ship, sorted."""
    return list(catalogue.names())


def resolve(name: str, options: Options) -> tuple[Resolved, Options]:
    """What the name of a model means, and the options with the weights that the name implies.

    Raises:
        UsageError: no model has this name, or --weights contradicts it.
    """
    resolved = resolving.resolve(name)
    if resolved.weights is None:
        return resolved, options
    if resolved.architecture is None and options.weights not in (None, resolved.weights):
        raise UsageError(
            f"--model {name} implies its weights: leave out --weights {options.weights}, or use "
            f"--model {resolved.adapter}"
        )
    if options.weights in (None, "DEFAULT"):
        options = replace(options, weights=resolved.weights)
    return resolved, options


def check(name: str, card: Card, options: Options) -> str | None:
    """Refuse what can be refused without torch, which takes seconds to load.

    Returns:
        The task that an adapter will run; None for the user's own code.

    Raises:
        UsageError, CheckpointError: as `load`.
    """
    resolved, options = resolve(name, options)
    if resolved.adapter is None:
        from bench.models.own_code import locating

        locating.check(name)
        return None
    from bench.models.weights import early

    return early.check(resolved, card, options)


def load(name: str, card: Card, options: Options) -> Model:
    """Load the model of this name; `package.module:name` is the user's own code.

    Raises:
        UsageError: there is no such adapter, module or function, or an option is not supported.
        MissingExtra: torch or another package of an extra is not installed.
        OwnCodeError: the user's own code raised an exception.
        CheckpointError: weights that cannot be read or do not fit.
    """
    resolved, options = resolve(name, options)
    if resolved.adapter is None:
        from bench.models.own_code import adapting

        return adapting.named(name, card, options)
    adapter = catalogue.adapter(resolved.adapter)
    if options.task is not None:
        adapter.require_task(options.task, name)
    # The loop runs promptable networks too: for their task it passes prompts.
    model = cast("Model", adapter.load(card, options))
    resolving.check_architecture(name, resolved, model.identity)
    return model
