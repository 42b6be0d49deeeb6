"""The arguments of one update of a loop: their form, their number, and the metrics that they leave
out.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from operator import index
from typing import Any

import numpy as np

from bench import inputs
from bench.cards import Card
from bench.errors import UsageError
from bench.evaluation.tallies import Handed
from bench.families.contract.rules import Rules
from bench.notices import Notice, many
from bench.runs import Tables
from bench.samples import Instances, Sample, Truth

ALL_FORMS = ": pass samples of bench.open_data to add(sample, prediction)"


def notices(
    card: Card, rules: Rules, tables: Tables, left_out: Sequence[str], *, boxes_alone: bool
) -> list[Notice]:
    """Notices about families that could not be counted, and about images without groups."""
    per_image, notes = tables["images"], list[Notice]()
    if left_out:
        names = ", ".join(left_out)
        why = (
            "the objects have boxes and no masks"
            if boxes_alone
            else f"they need all forms of the truth{ALL_FORMS}"
        )
        notes.append(Notice("not-counted", f"the metrics of {names} were not counted: {why}"))
    alone = len(np.unique(per_image["cluster"])) == len(per_image["id"]) > 1
    if card.groups != "none" and alone and rules.interval != "none":
        message = (
            f"{card.title} groups its images by {card.groups}, and no two images share a group "
            "here, so each is its own cluster and intervals are too narrow: pass cluster=, or id= "
            "as the data set names its images"
        )
        notes.append(Notice("no-groups", message))
    return notes


def handed_as(real: Any, made: Any) -> Handed:
    """What an image's truth and prediction are made of."""
    if not isinstance(real, Instances):
        return "masks"
    with_objects = [objects for objects in (real, made) if len(objects)]
    if not with_objects:
        return "nothing"
    return "boxes" if any(objects.size == inputs.NO_MASKS for objects in with_objects) else "masks"


def other_than_before(handed: Handed, before: AbstractSet[Handed]) -> str:
    """Why an image cannot be counted together with those before."""
    if "boxes" in {handed, *before}:
        first, second = ("boxes alone", "masks") if handed == "boxes" else ("masks", "boxes alone")
        return (
            f"its objects have {first}, and those of the images before have {second}: "
            "pass masks for all images or for none"
        )
    return "it has another form than the images before, for which other metrics are counted"


def listed(value: Any) -> list[Any] | None:
    """Ids or clusters of a batch as a list: one value, or one per image; tensors become numbers."""
    if value is None:
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple) else [value]


def sides(size: Any) -> inputs.Size | None:
    """The argument `size` of an update: height and width.

    Raises:
        UsageError: it is not a pair of whole numbers.
    """
    if size is None:
        return None
    try:
        height, width = (index(side) for side in size)
    except (TypeError, ValueError):
        raise UsageError(f"size must be (height, width), two whole numbers, got {size!r}") from None
    return height, width


def images(
    truth: Any, prediction: Any, ids: list[Any] | None, clusters: list[Any] | None, *, task: str
) -> list[tuple[Any, Any, Any, Any]]:
    """The images of one update, each with its truth, prediction, id and cluster (None if absent).

    Raises:
        InputError: a form that is not a batch, such as logits.
        UsageError: the numbers of truths, predictions, ids and clusters differ.
    """
    count = len(ids) if ids is not None else None
    truths, predictions = (
        [value] if isinstance(value, Sample | Truth) else inputs.batch(value, task, ids=count)
        for value in (truth, prediction)
    )
    absent = [None] * len(truths)
    columns = (truths, predictions, ids or absent, clusters or absent)
    if len({len(column) for column in columns}) > 1:
        raise UsageError(_unequal(truths, predictions, ids, clusters))
    return list(zip(*columns, strict=True))


def _unequal(truths: Sequence[Any], predictions: Sequence[Any], ids: Any, clusters: Any) -> str:
    """The message that truths, predictions and ids differ in number, with a hint at logits."""
    numbers = [many(len(truths), "truth"), many(len(predictions), "prediction")]
    numbers += [many(len(ids), "id")] if ids is not None else []
    numbers += [many(len(clusters), "cluster")] if clusters is not None else []
    text = f"got {', '.join(numbers[:-1])} and {numbers[-1]}; pass one of each per image"
    first = (
        inputs.array(predictions[0]) if predictions and hasattr(predictions[0], "dtype") else None
    )
    if (
        first is not None
        and first.dtype.kind == "f"
        and first.ndim == 2
        and len(truths) == 1 < len(predictions)
    ):
        return (
            f"{text}; if the prediction is logits (C, H, W), take the argmax over the "
            "classes first, x.argmax(0)"
        )
    return text
