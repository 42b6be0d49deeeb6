"""Weights that torchvision publishes, by their names, and the error if a data set has no weights at all.

This module needs no torch: `known_names` lists what is published.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import CheckpointError, did_you_mean
from bench.models.known_names import TORCHVISION
from bench.models.naming import Known
from bench.models.weights import files, labels

if TYPE_CHECKING:
    from bench.cards import Card

_ENUM = re.compile(r"(\w+_Weights)(?:\.(\w+))?")
_MEMBER = re.compile(r"DEFAULT|(COCO|IMAGENET1K|VOC)_\w+")


def enumerated(weights: str | None, known: Known) -> str | None:
    """The network of torchvision whose published weights `--weights` names, as `DeepLabV3_ResNet50_Weights.DEFAULT`.

    None where it names none: a file, a folder, a hub id, or DEFAULT alone.

    Raises:
        CheckpointError: weights of another network, or a name that does not exist.
    """
    word = weights or ""
    if word == "DEFAULT" or Path(word).exists():
        return None
    if _MEMBER.fullmatch(word):
        found = [a for a, each in TORCHVISION.items() if each.adapter == known.adapter and each.member == word]
        found = [known.architecture] if known.architecture in found else found
        if found:
            return found[0]
        raise CheckpointError(f"--weights {word}: {_published(known)}")
    match = _ENUM.fullmatch(word.removeprefix("torchvision.models.").rpartition("/")[2])
    match = match or _ENUM.fullmatch(".".join(word.split(".")[-2:]))
    if match is None:
        return None
    classes = {each.weights: architecture for architecture, each in TORCHVISION.items()}
    architecture = classes.get(match[1])
    if architecture is None:
        close = did_you_mean(match[1], classes)
        raise CheckpointError(f"--weights {word}: bench runs no network with weights of this name; {close}")
    published = TORCHVISION[architecture]
    if published.adapter != known.adapter or known.architecture not in (None, architecture):
        raise CheckpointError(f"--weights {word} are those of {architecture}: say --model {published.adapter}")
    if match[2] not in ("DEFAULT", published.member):
        raise CheckpointError(
            f"--weights {word}: torchvision publishes only {published.weights}.{published.member} (also named DEFAULT)"
        )
    return architecture


def none_fit(adapter: str, card: Card, weights: str | None, classes: Sequence[str], *, takes: str) -> CheckpointError:
    """The error where an adapter has no weights for a data set; `classes` are those of a library's own, if any.

    `weights` is what was asked for: None, DEFAULT, or the name of what a library publishes.
    """
    fitting = labels.fitting_cards(classes) if classes else []
    whose = f"; they fit {' and '.join(fitting)}" if fitting else ""
    bring = f"bring weights that were trained on {card.name} with --weights {takes}"
    if not classes:
        known = "no library publishes any for it"
    else:
        count = labels.known(card, classes)
        known = f"the library's own know {count} of its {len(card.classes)} classes and half are needed{whose}"
    if weights not in (None, "DEFAULT"):
        ships = f", or say --model {adapter}, which runs what ships" if files.shipped(adapter, card.name) else ""
        return CheckpointError(f"{weights} does not fit {card.name} ({known}): {bring}{ships}")
    why = "bench ships none for it" if weights is None else "DEFAULT asks for a library's own"
    return CheckpointError(f"--model {adapter} finds no weights for {card.name} ({why}, {known}): {bring}")


def _published(known: Known) -> str:
    names = [f"{each.weights}.{each.member}" for each in TORCHVISION.values() if each.adapter == known.adapter]
    what = f"it publishes {', '.join(names)}" if names else "it publishes none"
    return f"torchvision publishes no weights of this name for --model {known.adapter}; {what}"
