"""What the name after `--model` means; if it means nothing, an error that says what to type.

Every adapter declares its own names; `known_names` has those that belong to none. Nothing here
loads torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import CheckpointError, UsageError, did_you_mean
from bench.models.contract import catalogue
from bench.models.contract.adapter import (
    Adapter,
    NetworkFile,
    SegmentationModelsPytorch,
    StateDict,
    TransformersFolder,
)
from bench.models.naming import spelling
from bench.models.naming.known_names import (
    FOREIGN_SUFFIXES,
    HUB_ID,
    OWN_CODE_HINT,
    SMP_UNSUPPORTED,
    UNSUPPORTED,
    WEIGHTS_SUFFIXES,
)

_TAKES_KIND = "--model takes the kind of network and --weights its file: use"


@dataclass(frozen=True)
class Resolved:
    """What the name of a model means.

    Attributes:
        adapter: name of the adapter; None for the user's own code.
        architecture: the architecture that the weights must have, if the name says so.
        weights: the weights that the name stands for, if any.
    """

    adapter: str | None
    architecture: str | None = None
    weights: str | None = None


def resolve(name: str) -> Resolved:
    """What the name of a model means.

    Raises:
        UsageError: no adapter has this name; the message says what to type.
    """
    # The names of adapters come first: they are the usual case, and no adapter has to be imported.
    if name in catalogue.names():
        return Resolved(name)
    if name.startswith("baseline:"):
        raise UsageError(
            f"--model {name}: baselines are made from the ground truth: use bench eval "
            f"--predictions {name}"
        )
    if spelling.is_own_code(name):
        return _of_library(name) or Resolved(None)
    if spelling.begins_with_any(name, UNSUPPORTED) and not name.endswith(".py"):
        raise UsageError(
            f"--model {name}: no adapter runs this network: score its stored predictions with "
            f"bench eval --predictions, export it, or {OWN_CODE_HINT}"
        )
    _refuse_file(name)
    resolved = _of_other_spelling(name) or _of_torchvision(name.lower().replace("-", "_"))
    if resolved is not None:
        return resolved
    _refuse_path(name)
    resolved = _of_hub(name)
    if resolved is not None:
        return resolved
    raise UsageError(_unknown(name))


def check_architecture(name: str, resolved: Resolved, identity: Mapping[str, Any]) -> None:
    """Refuse weights of another network than the name of the model says.

    Raises:
        CheckpointError: the weights belong to another architecture.
    """
    architecture = str(identity.get("architecture"))
    if resolved.architecture in (None, architecture):
        return
    other = architecture if catalogue.of_torchvision(architecture) else resolved.adapter
    raise CheckpointError(
        f"--model {name}: {identity.get('weights')} holds weights of {architecture}; use "
        f"--model {other} for them"
    )


def _of_other_spelling(name: str) -> Resolved | None:
    """An adapter by another spelling ("U-Net") or another of its names ("tflite")."""
    plain = spelling.plain(name)
    for adapter in catalogue.adapters():
        if plain in (adapter.name, *adapter.also):
            return Resolved(adapter.name)
    return None


def _of_torchvision(architecture: str) -> Resolved | None:
    """A function of torchvision, which stands for its published weights."""
    match = catalogue.of_torchvision(architecture)
    if match is None:
        return None
    adapter, published = match
    return Resolved(adapter.name, architecture, f"{published.enum}.DEFAULT")


def _of_library(name: str) -> Resolved | None:
    """A function of torchvision or a class of segmentation_models_pytorch, with its module."""
    module, _, attribute = name.partition(":")
    package = module.partition(".")[0]
    if package == "torchvision":
        return _of_torchvision(attribute)
    if package == "segmentation_models_pytorch":
        adapter = catalogue.of_smp(attribute)
        return Resolved(adapter.name) if adapter else None
    return None


def _of_hub(name: str) -> Resolved | None:
    """A hub id of a network that an adapter runs.

    Raises:
        UsageError: the id of another network.
    """
    if not HUB_ID.fullmatch(name) or not name[0].isalnum():
        return None
    owner, _, model = name.partition("/")
    adapters = [
        adapter for adapter in _longest_first() if spelling.begins_with(model, adapter.name)
    ]
    for adapter in adapters:
        if isinstance(adapter.weights, TransformersFolder):
            return Resolved(adapter.name, weights=name)
    for adapter in adapters:
        if _is_smp(adapter) and owner == "smp-hub":
            return Resolved(adapter.name, weights=name)
        if _is_smp(adapter):
            raise UsageError(
                f"--model {name}: bench runs this network as segmentation_models_pytorch saves it, "
                f"not as transformers does: use --model {adapter.name} --weights "
                f"{adapter.hub_id_of(model) or adapter.accepts}, or {OWN_CODE_HINT}"
            )
    raise UsageError(f"--model {name}: no adapter runs this network of the hub; {OWN_CODE_HINT}")


def _refuse_file(name: str) -> None:
    """Refuse a file given as the name of a model.

    Raises:
        UsageError: it is a file; the message says which adapter runs it.
    """
    path = Path(name).expanduser()
    suffix = path.suffix.lower()
    missing = "" if path.exists() else f" (and there is no file {Path(name)})"
    if suffix == ".py":
        raise UsageError(_which_function(name, path) + missing)
    adapter = _of_network_file(suffix)
    if adapter is not None:
        raise UsageError(f"{_TAKES_KIND} --model {adapter.name} --weights {name}{missing}")
    if suffix in WEIGHTS_SUFFIXES:
        raise UsageError(_which_network(name, path) + missing)
    if suffix in FOREIGN_SUFFIXES:
        raise UsageError(
            f"--model {name}: no adapter runs {suffix} files: export the network to ONNX or TFLite "
            "and use --model onnx --weights FILE.onnx or --model litert --weights FILE.tflite"
            f"{missing}"
        )


def _which_function(name: str, path: Path) -> str:
    from bench.models.own_code import locating

    defined = locating.defined_in(path)
    example = f"{name}:{defined[0] if defined else 'predict'}"
    listing = f"; it defines {', '.join(defined)}" if len(defined) > 1 else ""
    return (
        f"--model {name} is a file: name the function, network or class in it, such as "
        f"--model {example}{listing}"
    )


def _which_network(name: str, path: Path) -> str:
    """What to type for a file of weights."""
    if _is_exported(path):
        return f"{_TAKES_KIND} --model exported --weights {name}"
    names = sorted(catalogue.names(), key=len, reverse=True)
    network = next(
        (candidate for candidate in names if path.name.lower().startswith(candidate)), "deeplab"
    )
    return (
        f"{_TAKES_KIND} --model {network} --weights {name}, or another network (bench list "
        "models); for TorchScript or torch.export --model exported; for your own network --model "
        "my_file.py:make"
    )


def _is_exported(path: Path) -> bool:
    from bench.models.interchange import exported_archive

    try:
        return path.is_file() and bool(exported_archive.kind_of(path))
    except CheckpointError:
        return False


def _refuse_path(name: str) -> None:
    """Refuse a folder or a module given as the name, and a dot instead of the colon.

    Raises:
        UsageError: it is one of these; the message says what to type.
    """
    from bench.models.own_code import locating

    path = Path(name).expanduser()
    if path.is_dir():
        raise UsageError(
            f"--model {name} is a folder: name the network that reads it, --model "
            f"{_reader(path) or 'NAME'} --weights {name}"
        )
    file = Path(f"{path}.py")
    if file.is_file():
        attribute = next(iter(locating.defined_in(file)), "predict")
        raise UsageError(
            f"--model {name} is a module: name the function, network or class in it, such as "
            f"{name}:{attribute}"
        )
    module, _, attribute = name.rpartition(".")
    if module and "/" not in name and Path(f"{module.replace('.', '/')}.py").is_file():
        raise UsageError(
            f"--model {name}: a colon separates module and name: use --model {module}:{attribute}"
        )


def _reader(folder: Path) -> str | None:
    """The adapter that reads a folder, according to its config.json."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict):
        return None
    adapter = catalogue.of_smp(str(config.get("_model_class"))) or catalogue.of_model_type(
        str(config.get("model_type"))
    )
    return adapter.name if adapter else None


def _unknown(name: str) -> str:
    """The message for a name that means nothing."""
    for network in SMP_UNSUPPORTED:
        if spelling.plain(network) == spelling.plain(name):
            return (
                f"--model {name}: no adapter runs {network} of segmentation_models_pytorch; "
                f"{OWN_CODE_HINT}, in which load returns segmentation_models_pytorch.{network}(...)"
            )
    adapter_of = {
        word: adapter_
        for adapter_ in catalogue.adapters()
        for word in (adapter_.name, *adapter_.also)
    }
    for word in sorted(adapter_of, key=len, reverse=True):
        if spelling.begins_with(name, word):
            adapter = adapter_of[word]
            weights = adapter.hub_id_of(name) or adapter.accepts
            return f"no model is called {name!r}: use --model {adapter.name} --weights {weights}"
    return (
        f"no model is called {name!r}: {did_you_mean(name, catalogue.names())}; own code is "
        "package.module:name or file.py:name"
    )


def _longest_first() -> list[Adapter]:
    """All adapters, the longest names first: "sam2" before "sam", which begins it."""
    return sorted(catalogue.adapters(), key=lambda adapter: -len(adapter.name))


def _of_network_file(suffix: str) -> Adapter | None:
    for adapter in catalogue.adapters():
        if isinstance(adapter.weights, NetworkFile) and suffix in adapter.weights.suffixes:
            return adapter
    return None


def _is_smp(adapter: Adapter) -> bool:
    weights = adapter.weights
    return isinstance(weights, StateDict) and isinstance(weights.library, SegmentationModelsPytorch)
