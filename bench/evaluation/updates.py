"""What a loop hands over in one update: in which form, for how many images, and what that leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from bench import inputs
from bench.cards import Card
from bench.errors import UsageError
from bench.evaluation.tallies import Handed
from bench.families.contract.rules import Rules
from bench.notices import Notice
from bench.runs import Tables
from bench.samples import Instances

ALL_FORMS = ": hand over samples of bench.open_data with add(sample, prediction)"


def notices(card: Card, rules: Rules, tables: Tables, left_out: Sequence[str], *, boxes_alone: bool) -> list[Notice]:
    """What a loop leaves open: families that could not be counted, and images without groups."""
    images, found = tables["images"], list[Notice]()
    if left_out:
        names = ", ".join(left_out)
        why = "the objects have boxes and no masks" if boxes_alone else f"they need all forms of the truth{ALL_FORMS}"
        found.append(Notice("not-counted", f"the metrics of {names} were not counted: {why}"))
    alone = len(np.unique(images["cluster"])) == len(images["id"]) > 1
    if card.groups != "none" and alone and rules.interval != "none":
        message = (
            f"{card.title} groups its images by {card.groups}, and no two images share a group here, so each stands "
            "for itself and intervals are too narrow: hand over cluster=, or id= as the data set names images"
        )
        found.append(Notice("no-groups", message))
    return found


def handed_as(real: Any, made: Any) -> Handed:
    """What an image's truth and prediction are made of."""
    if not isinstance(real, Instances):
        return "masks"
    there = [each for each in (real, made) if len(each)]
    if not there:
        return "nothing"
    return "boxes" if any(each.size == inputs.NO_MASKS for each in there) else "masks"


def other_than_before(handed: Handed, before: set[Handed]) -> str:
    """Why an image does not go with those before."""
    if "boxes" in {handed, *before}:
        first, second = ("boxes alone", "masks") if handed == "boxes" else ("masks", "boxes alone")
        return (
            f"its objects have {first}, and those of the images before have {second}: hand over masks of all, or none"
        )
    return "it was handed over in another form than the images before, from which other metrics are counted"


def listed(value: Any) -> list[Any] | None:
    """Ids or clusters of a batch: a single one, or as many as there are images; tensors as numbers."""
    if value is None:
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple) else [value]


def sides(size: Any) -> inputs.Size | None:
    """The argument `size` of an update: height and width.

    Raises:
        UsageError: what is no such pair.
    """
    if size is None:
        return None
    try:
        height, width = (index(side) for side in size)
    except (TypeError, ValueError):
        raise UsageError(f"size={size!r}: (height, width) is needed, two whole numbers") from None
    return height, width


def unequal(truths: Sequence[Any], predictions: Sequence[Any], ids: Any, clusters: Any) -> str:
    """That truths, predictions and names are not equally many, and what is likely meant."""
    numbers = [f"{len(truths)} truths", f"{len(predictions)} predictions"]
    numbers += [f"{len(ids)} ids"] if ids is not None else []
    numbers += [f"{len(clusters)} clusters"] if clusters is not None else []
    text = f"{', '.join(numbers[:-1])} and {numbers[-1]}: each image needs one of each"
    first = inputs.array(predictions[0]) if predictions and hasattr(predictions[0], "dtype") else None
    if first is not None and first.dtype.kind == "f" and first.ndim == 2 and len(truths) == 1 < len(predictions):
        return f"{text}; if the prediction is logits (C, H, W), take the argmax over the classes first, x.argmax(0)"
    return text
