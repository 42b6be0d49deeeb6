"""Reads files of weights without running anything in them, and loads them into a network.

Plain state dicts, the usual wrappers and prefixes of training frameworks, and safetensors with
metadata are supported. This module knows no architecture, no card and no image.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import pickle
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import CheckpointError, missing_extra
from bench.models.weights import digests
from bench.models.weights import files as weight_files

WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model",
    "network",
    "net",
    "model_ema",
    "ema",
    "params",
    "weights",
)
"""Keys under which training code stores the network, the most explicit first."""
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
NOT_THE_NETWORK = (
    "criterion.",
    "loss.",
    "loss_fn.",
    "loss_function.",
    "train_",
    "val_",
    "test_",
    "metrics.",
    "n_averaged",
)
"""Prefixes of what training code stores together with a network, and that is not part of it."""
_REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

shipped = weight_files.shipped


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights as read.

    Attributes:
        path: the file or folder.
        digest: the digest of its bytes.
        state: tensors by name.
        metadata: the metadata of a safetensors file.
        inside: the wrappers and prefixes that were removed.
        config: what a library saved with the weights to build their network.
    """

    path: Path
    digest: str
    state: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    inside: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)


def read(path: Path) -> Checkpoint:
    """Read a file of weights onto the CPU.

    Raises:
        CheckpointError: the file does not exist, is empty, truncated or of another kind, holds
            objects that could run code, or holds no weights.
    """
    kind = weight_files.kind(path)
    if kind == "safetensors":
        state, metadata = _read_safetensors(path)
        inside: list[str] = []
    else:
        state, inside = _unwrap(_read_pickle(path), path)
        metadata = {}
    state, prefixes = _strip(state)
    if not state:
        raise CheckpointError(f"{path} holds no weights: it has no table of tensors by name")
    return Checkpoint(path, digest_of(path), state, metadata, " > ".join([*inside, *prefixes]))


def digest_of(path: Path) -> str:
    """Digest of a file's bytes (BLAKE2b, 16 bytes), read in pieces."""
    return digests.of_file(path)


def fit(network: nn.Module, checkpoint: Checkpoint, *, architecture: str) -> None:
    """Load the weights into the network.

    Raises:
        CheckpointError: weights that are missing, unknown, of another shape, or NaN.
    """
    needed_state = network.state_dict()
    # Counters of seen batches are not used in prediction, and old checkpoints do not have them.
    needed = [name for name in needed_state if not name.endswith("num_batches_tracked")]
    missing = [name for name in needed if name not in checkpoint.state]
    unexpected = [
        name
        for name in checkpoint.state
        if name not in needed_state and not name.endswith("num_batches_tracked")
    ]
    if missing or unexpected:
        parts = [
            f"{len(names)} {problem} ({_some(names)})"
            for problem, names in _problems(missing, unexpected)
            if names
        ]
        raise CheckpointError(f"{checkpoint.path} does not fit {architecture}: {', '.join(parts)}")
    for name in needed:
        if needed_state[name].shape != checkpoint.state[name].shape:
            raise CheckpointError(
                f"{checkpoint.path} does not fit {architecture}: {name} has shape "
                f"{list(checkpoint.state[name].shape)}, the network needs "
                f"{list(needed_state[name].shape)}"
            )
    refuse_nan({name: checkpoint.state[name] for name in needed}, checkpoint.path)
    network.load_state_dict(
        {name: value for name, value in checkpoint.state.items() if name in needed_state},
        strict=False,
    )


def refuse_nan(state: Mapping[str, Tensor], path: Path) -> None:
    """Refuse NaN in weights, which a diverged training leaves.

    The predictions would look like any others, because argmax of NaN is still a class.

    Raises:
        CheckpointError: a weight is NaN.
    """
    for name, value in state.items():
        if value.dtype in _REAL and bool(value.isnan().any()):
            raise CheckpointError(
                f"{path} holds NaN in {name}: the training diverged; take an earlier checkpoint"
            )


def without(checkpoint: Checkpoint, prefixes: tuple[str, ...]) -> Checkpoint:
    """The checkpoint without the weights with these prefixes, such as those of auxiliary heads."""
    return replace(
        checkpoint,
        state={
            name: value for name, value in checkpoint.state.items() if not name.startswith(prefixes)
        },
    )


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError:
        raise missing_extra("safetensors", "models", f"reading {path.name}") from None
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()  # a method of safetensors, not of a dict
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is truncated or damaged safetensors: {_line(error)}; fetch it again"
        ) from None


def _read_pickle(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(_harmless()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        culprit = _culprit(str(error))
        if culprit is not None:
            raise CheckpointError(
                f"{path} holds Python objects other than tensors{culprit}, which could run code "
                "when read: refused; save the state_dict() only, preferably as safetensors"
            ) from None
        raise CheckpointError(
            f"{path} is truncated or damaged: {_line(error)}; fetch it again"
        ) from None
    except (
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
    ) as error:
        raise CheckpointError(
            f"{path} is truncated or damaged: {_line(error)}; fetch it again"
        ) from None


def _harmless() -> list[Any]:
    """Types that training scripts save with the weights and that hold values only."""
    import numpy as np

    types: list[Any] = [argparse.Namespace, pathlib.PosixPath, np.dtype, np.ndarray]
    with contextlib.suppress(AttributeError):
        types += [np._core.multiarray.scalar, np._core.multiarray._reconstruct]  # type: ignore[attr-defined]
    types += [getattr(np.dtypes, name) for name in ("Float64DType", "Float32DType", "Int64DType")]
    return types


def _unwrap(content: Any, path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """Descend through wrappers until a table of tensors by name appears."""
    inside: list[str] = []
    while isinstance(content, Mapping):
        tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
        if tensors and not any(isinstance(content.get(key), Mapping) for key in WRAPPERS):
            return tensors, inside
        key = next((key for key in WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if key is None:
            break
        inside.append(key)
        content = content[key]
    content_type = type(content).__name__
    if isinstance(content, Mapping) and content:
        content_type = f"a table of {_some(content)}"
    raise CheckpointError(
        f"{path} holds no weights: it is {content_type}, not a table of tensors by name, nor one "
        f"under a key such as {', '.join(WRAPPERS[:3])}"
    )


def _strip(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Remove the prefixes that wrappers of modules add to every name."""
    kept = dict(state)
    taken: list[str] = []
    while True:
        of_network = {
            name: value for name, value in kept.items() if not name.startswith(NOT_THE_NETWORK)
        }
        prefix = next(
            (p for p in PREFIXES if of_network and all(name.startswith(p) for name in of_network)),
            None,
        )
        if prefix is None:
            return of_network, taken
        taken.append(prefix)
        kept = {name.removeprefix(prefix): value for name, value in of_network.items()}


def _problems(missing: list[str], unexpected: list[str]) -> list[tuple[str, list[str]]]:
    return [("weights are missing", missing), ("are not of this network", unexpected)]


def _some(names: Iterable[object]) -> str:
    first = [str(name) for name in names]
    return ", ".join(first[:3]) + (", ..." if len(first) > 3 else "")


def _line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].partition(". ")[0][:120].rstrip(".:; ")


def _culprit(text: str) -> str | None:
    """The refused object in brackets, from torch's message; None if the file is only truncated."""
    for mark in ("GLOBAL ", "global "):
        if mark in text:
            name = text.split(mark, 1)[1].split(maxsplit=1)[0].strip("`'\",.:")
            # The name is complete if it has a dot; one that was cut off has lost it.
            return f" ({name})" if "." in name else None
    return "" if "Weights only load failed" in text else None
