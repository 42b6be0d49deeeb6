"""Names of the weights that torchvision publishes, and the error if a data set has no weights.

This module needs no torch: the adapters declare what is published.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import CheckpointError, did_you_mean
from bench.models.contract import catalogue
from bench.models.contract.adapter import Adapter, PublishedWeights
from bench.models.weights import files, labels

if TYPE_CHECKING:
    from bench.cards import Card

_ENUM = re.compile(r"(\w+_Weights)(?:\.(\w+))?")
_MEMBER = re.compile(r"DEFAULT|(COCO|IMAGENET1K|VOC)_\w+")


def architecture_of(weights: str | None, adapter: Adapter, architecture: str | None) -> str | None:
    """The architecture whose published weights `--weights` names.

    Args:
        weights: such as `DeepLabV3_ResNet50_Weights.DEFAULT` or `COCO_WITH_VOC_LABELS_V1`.
        adapter: the adapter that is to run them.
        architecture: the architecture that the name of the model asks for, if any.

    Returns:
        The architecture; None if `weights` is a file, a folder, a hub id, or DEFAULT.

    Raises:
        CheckpointError: weights of another network, or a name that does not exist.
    """
    if weights in (None, "", "DEFAULT") or Path(str(weights)).exists():
        return None
    name = str(weights)
    if _MEMBER.fullmatch(name):
        return _by_member(name, adapter, architecture)
    # As users write it: with or without the module, whose name is separated by dots or, when it is
    # taken for a hub id, by a slash.
    match = _ENUM.fullmatch(name.removeprefix("torchvision.models.").rpartition("/")[2])
    match = match or _ENUM.fullmatch(".".join(name.split(".")[-2:]))
    return None if match is None else _by_enum(name, match[1], match[2], adapter, architecture)


def none_fit(
    adapter: str, card: Card, weights: str | None, classes: Sequence[str], *, accepts: str
) -> CheckpointError:
    """The error if an adapter has no weights for a data set.

    Args:
        adapter: the name of the adapter.
        card: the data set.
        weights: None, "DEFAULT", or the name of published weights.
        classes: the classes of a library's published weights, empty if there are none.
        accepts: what may follow `--weights`.
    """
    remedy = f"pass weights that were trained on {card.name} with --weights {accepts}"
    reason = "no library publishes any"
    if classes:
        reason = _too_few_classes(card, classes)
    if weights not in (None, "DEFAULT"):
        shipped = files.shipped(adapter, card.name)
        or_shipped = (
            f", or use --model {adapter}, which runs the shipped weights" if shipped else ""
        )
        return CheckpointError(
            f"{weights} does not fit {card.name} ({reason}): {remedy}{or_shipped}"
        )
    source = "bench ships none"
    if weights == "DEFAULT":
        source = "DEFAULT means the library's own"
    return CheckpointError(
        f"--model {adapter} has no weights for {card.name} ({source}, {reason}): {remedy}"
    )


def _too_few_classes(card: Card, classes: Sequence[str]) -> str:
    fitting = labels.fitting_cards(classes)
    others = f"; they fit {' and '.join(fitting)}" if fitting else ""
    known_classes = labels.count_known(card, classes)
    return (
        f"the library's weights know {known_classes} of its {len(card.classes)} classes, and at "
        f"least half are needed{others}"
    )


def _by_member(member: str, adapter: Adapter, architecture: str | None) -> str:
    """The architecture of weights that are named by their member alone."""
    published = catalogue.torchvision_weights(adapter)
    matches = [name for name, weights in published.items() if weights.member == member]
    if architecture in matches:
        return str(architecture)
    if matches:
        return matches[0]
    names = [f"{weights.enum}.{weights.member}" for weights in published.values()]
    listing = f"it publishes {', '.join(names)}" if names else "it publishes none"
    raise CheckpointError(
        f"--weights {member}: torchvision publishes no weights of this name for --model "
        f"{adapter.name}; {listing}"
    )


def _by_enum(
    name: str, enum: str, member: str | None, adapter: Adapter, architecture: str | None
) -> str:
    """The architecture of weights that are named as in torchvision, `<enum>.<member>`."""
    owners = {
        published.enum: (owner, candidate, published)
        for owner in catalogue.adapters()
        for candidate, published in catalogue.torchvision_weights(owner).items()
    }
    if enum not in owners:
        raise CheckpointError(
            f"--weights {name}: bench runs no network with weights of this name; "
            f"{did_you_mean(enum, owners)}"
        )
    owner, its_architecture, published = owners[enum]
    if owner.name != adapter.name or architecture not in (None, its_architecture):
        raise CheckpointError(
            f"--weights {name} are those of {its_architecture}: use --model {owner.name}"
        )
    _require_member(name, member, published)
    return its_architecture


def _require_member(name: str, member: str | None, published: PublishedWeights) -> None:
    if member not in ("DEFAULT", published.member):
        raise CheckpointError(
            f"--weights {name}: torchvision publishes only {published.enum}.{published.member} "
            "(also named DEFAULT)"
        )
