"""How every semantic adapter becomes a model: find the weights, know the network, fit them, match classes, make ready.

An adapter describes what is its own as a `Family`; the order of the steps is here. This module knows no architecture.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bench import models
from bench.errors import CheckpointError
from bench.models import Options, checkpoints, inference, labels, networks
from bench.models.checkpoints import Checkpoint

if TYPE_CHECKING:
    from bench.cards import Card

ADAPTERS = {"deeplabv3": "deeplab", "fcn": "fcn", "unet": "unet"}
"""First part of the name of an architecture, and the adapter that runs it."""


@dataclass(frozen=True)
class Pretrained:
    """Weights that a library publishes: for which architecture and classes, in which file, and how they are fetched."""

    architecture: str
    classes: tuple[str, ...]
    file: str
    fetch: Callable[[Path], object]


@dataclass(frozen=True)
class Family:
    """What one adapter adds: its networks and how their weights are told apart.

    `recognise` names the architecture that wrote a state dict, or returns None; `build` makes it with as many outputs;
    `head` begins the names of the layers that give the classes; `stride` is what sides of inputs are padded to.
    """

    name: str
    recognise: Callable[[Mapping[str, Tensor]], str | None]
    build: Callable[[str, Mapping[str, Tensor], int], nn.Module]
    head: str
    architectures: tuple[str, ...]
    pretrained: tuple[Pretrained, ...] = ()
    stride: int = 1


def assemble(family: Family, card: Card, options: Options) -> inference.SemanticModel:
    """Make the model of a family that predicts the classes of the card.

    Raises:
        CheckpointError: weights that cannot be found, read, recognised, or that fit neither network nor card.
        UsageError: a device that is not there, or an option of other kinds of models.
    """
    models.refuse_unused(family.name, options, inference.OPTIONS)
    device = inference.choose_device(options.device)
    path, published = _find(family, card, options)
    checkpoint = checkpoints.without(checkpoints.read(path), "aux_classifier.")
    architecture = _architecture(family, checkpoint)
    outputs = _outputs(family, checkpoint)
    names = published.classes if published else _names(checkpoint)
    channels = labels.match(card, outputs, names, where=str(path))
    build = _slim if networks.is_slim(architecture) else family.build
    network = build(architecture, checkpoint.state, outputs)
    checkpoints.fit(network, checkpoint, architecture=architecture)
    identity = {
        "kind": "model",
        "model": family.name,
        "architecture": architecture,
        "weights": path.name,
        "weights_digest": checkpoint.digest,
        "inside": checkpoint.inside,
        "outputs": outputs,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "warnings": list(channels.warnings),
    }
    model = inference.SemanticModel(
        network=network,
        identity=identity,
        settings={},
        device=device,
        channels=channels.channels,
        batch_size=1,
        stride=family.stride,
        mean=_numbers(checkpoint, "mean", inference.MEAN),
        std=_numbers(checkpoint, "std", inference.STD),
    )
    return inference.ready(model, options)


def _find(family: Family, card: Card, options: Options) -> tuple[Path, Pretrained | None]:
    """The file of weights, and what is known of it if a library published it."""
    fitting = [p for p in family.pretrained if labels.fits(card, p.classes)]
    if options.weights not in (None, "DEFAULT"):
        path = Path(str(options.weights)).expanduser()
        return path, next((p for p in family.pretrained if p.file == path.name and _is_published(path)), None)
    reference = checkpoints.shipped(family.name, card.name)
    if options.weights is None and reference is not None:
        return reference, None
    if fitting:
        return _fetched(fitting[0], family), fitting[0]
    published = "the library's own know too few of its classes" if family.pretrained else "no library publishes any"
    ships = "bench ships some for streets" if options.weights is None else "DEFAULT asks for a library's own"
    raise CheckpointError(
        f"--model {family.name} finds no weights for {card.name} ({ships}, {published}): "
        f"bring weights that were trained on {card.name} with --weights FILE"
    )


def _is_published(path: Path) -> bool:
    """Whether the file is what its name says: names of published weights end in the first digits of their SHA-256."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(path.stem.rpartition("-")[2])


def _fetched(published: Pretrained, family: Family) -> Path:
    """The published file where torch keeps such files, fetched there if it is not yet."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / published.file
    if not path.is_file():
        try:
            published.fetch(path)
        except (OSError, RuntimeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].strip("<>")
            raise CheckpointError(
                f"the pretrained weights of {published.architecture} cannot be fetched ({reason}): put the file "
                f"{published.file} into {folder}, or name it with --model {family.name} --weights FILE"
            ) from None
    return path


def _architecture(family: Family, checkpoint: Checkpoint) -> str:
    """The network that the weights belong to: as the file says, else as the names and shapes of its weights tell."""
    said = checkpoint.metadata.get("architecture")
    found = said or family.recognise(checkpoint.state)
    if found is None:
        raise CheckpointError(
            f"{checkpoint.path} holds no weights that --model {family.name} knows (the first of its "
            f"{len(checkpoint.state)} tensors is {next(iter(checkpoint.state))}): it reads {_listed(family)}"
        )
    kind = found.partition("_")[0]
    if found not in family.architectures and not (networks.is_slim(found) and ADAPTERS.get(kind) == family.name):
        other = ADAPTERS.get(kind, family.name)
        hint = f"say --model {other}" if other != family.name else f"it reads {_listed(family)}"
        raise CheckpointError(
            f"{checkpoint.path} holds weights of {found}, no network of --model {family.name}: {hint}"
        )
    return found


def _listed(family: Family) -> str:
    return ", ".join(family.architectures)


def _outputs(family: Family, checkpoint: Checkpoint) -> int:
    """Number of classes of the weights: rows of the last weight of the head."""
    last = [v for n, v in checkpoint.state.items() if n.startswith((family.head, "head.")) and n.endswith("weight")]
    if not last:
        raise CheckpointError(f"{checkpoint.path} has no classifier (no weights called {family.head}...)")
    return int(last[-1].shape[0])


def _names(checkpoint: Checkpoint) -> Sequence[str] | None:
    """Names of the classes, where the file tells them."""
    text = checkpoint.metadata.get("classes")
    return None if text is None else [str(name) for name in _parsed(checkpoint, "classes", text, str)]


def _numbers(checkpoint: Checkpoint, key: str, otherwise: tuple[float, ...]) -> tuple[float, ...]:
    text = checkpoint.metadata.get(key)
    if text is None:
        return otherwise
    values = tuple(float(value) for value in _parsed(checkpoint, key, text, (int, float)))
    if len(values) != 3:
        raise CheckpointError(
            f"{checkpoint.path}: the metadata's {key} has {len(values)} numbers; 3 are needed, R, G, B"
        )
    return values


def _parsed(checkpoint: Checkpoint, key: str, text: str, kind: Any) -> list[Any]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError:
        values = None
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise CheckpointError(f"{checkpoint.path}: the metadata's {key} is no JSON list of its kind: {text[:60]!r}")
    return values


def _slim(architecture: str, _: Mapping[str, Tensor], outputs: int) -> nn.Module:
    return networks.build(architecture, outputs)
