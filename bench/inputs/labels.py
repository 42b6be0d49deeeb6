"""Label maps from users: (H, W) of train ids or of a card's ids, with ignored values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import InputError
from bench.inputs.arrays import array, whole
from bench.samples import Array, LabelMap

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.inputs import Reading

ARGMAX = "take the argmax over the classes first"
_LARGEST = 65535


def label_map(
    value: Any, classes: Classes, reading: Reading, *, where: str, truth: bool
) -> LabelMap:
    """The label map of one image.

    Raises:
        InputError: a wrong shape, numbers that are not whole, or an unknown label.
    """
    sure = None
    if isinstance(value, Mapping):
        _only(value, "labels", "confidence")
        if "labels" not in value:
            raise InputError("the dict of a label map needs the key labels, (H, W)")
        sure = array(value["confidence"]) if "confidence" in value else None
        value = value["labels"]
    labels = _plane(array(value))
    if labels.ndim != 2:
        hint = f"; {ARGMAX}" if labels.ndim > 2 else ""
        hint += (
            " (or is this a colour image?)"
            if labels.ndim == 3 and labels.shape[2] in (3, 4)
            else ""
        )
        raise InputError(f"a label map must have the shape (H, W), got {labels.shape}{hint}")
    labels = whole(labels, "labels", f"; {ARGMAX} (or apply a threshold to probabilities)")
    return _read(labels, sure, classes, reading, where=where, truth=truth)


def _read(
    labels: Array,
    sure: Array | None,
    classes: Classes,
    reading: Reading,
    *,
    where: str,
    truth: bool,
) -> LabelMap:
    """Check one plane (H, W) and convert it to train ids.

        values of the user  ->  ids of the card  ->  train ids, with `classes.ignore` at void pixels

    With train ids from the user (`reading.raw` is None), both conversions are skipped.
    """
    void = np.isin(labels, reading.ignore) if reading.ignore else None
    if void is not None and not truth:
        # Pixels that a loop has masked in its predictions have no class; an ignored class can be
        # predicted.
        void &= ~np.isin(labels, _known(classes, reading))
    if void is not None and not void.any():
        void = None
    ids = values = None
    if reading.raw is None:
        _within(labels, classes, reading, void, truth=truth)
        small = labels.dtype in (np.uint8, np.uint16) and void is None
        result = labels if small else labels.astype(classes.dtype)
    else:
        # Ignored values, such as -100, need not be ids: void pixels get the id of any class first.
        ids = _small(labels if void is None else np.where(void, _any_id(classes), labels))
        ids = reading.raw.ids(ids, where, truth=truth)
        result = reading.raw.train_ids(ids, where, truth=truth)
    if void is not None:
        result = np.where(void, np.array(classes.ignore, dtype=result.dtype), result)
    if not truth and bool((result == classes.ignore).any()):
        values = result if ids is None else ids
    return LabelMap(result, ids=values if ids is not None else None, confidence=sure, values=values)


def _known(classes: Classes, reading: Reading) -> list[int]:
    return (
        list(range(len(classes)))
        if reading.raw is None
        else [entry.id for entry in classes.entries]
    )


def _any_id(classes: Classes) -> int:
    return classes.scored[0].id


def _small(ids: Array) -> Array:
    """Ids as the unsigned integers of label files."""
    low, high = int(ids.min(initial=0)), int(ids.max(initial=0))
    if low < 0 or high > _LARGEST:
        raise InputError(
            f"ids in label maps must be 0 to {_LARGEST}, got {low if low < 0 else high}"
        )
    return ids.astype(np.uint8 if high <= 255 else np.uint16)


def _within(
    labels: Array, classes: Classes, reading: Reading, void: Array | None, *, truth: bool
) -> None:
    """Refuse labels that are not train ids; fast if all are classes, as usual in predictions."""
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    if low >= 0 and high < len(classes):
        return
    wrong = (labels < 0) | (labels >= len(classes))
    if void is not None:
        wrong &= ~void
    # Without `ignore`, the ignored value is that of the class table.
    special = (classes.ignore,) if not (truth and reading.ignore) else reading.ignore
    wrong &= ~np.isin(labels, special)
    if not wrong.any():
        return
    row, column = (int(index) for index in np.unravel_index(int(wrong.argmax()), wrong.shape))
    value = int(labels[row, column])
    advice = _hint(value, classes) if reading.open else ""
    named = " or ".join(str(label) for label in special)
    raise InputError(
        f"the label {value} (row {row}, column {column}) is neither a train id from 0 to "
        f"{len(classes) - 1} nor {named} (ignored){advice}"
    )


def _hint(value: int, classes: Classes) -> str:
    if len(classes) == 1 and value in (1, 255):
        return '; a mask of one class has two labels: list both, such as ["background", "cell"]'
    if value < 0 or value == 255:
        return f"; pass ignore={value} if such pixels do not count"
    if classes.name_of(value) != f"label {value}":
        return (
            f'; it is an id of the card ({classes.name_of(value)}): pass label_space="ids" '
            "if the values are ids"
        )
    return ""


def batch(value: Any, *, ids: int | None) -> Sequence[Any]:
    """The images of a batch of label maps: (N, H, W), (N, 1, H, W) or a list; one image is a batch
    of one.

    `ids` is the number of ids passed with the batch, if any: it distinguishes (N, H, 1) from (H, W,
    1).

    Raises:
        InputError: logits.
    """
    if isinstance(value, list | tuple) and value and isinstance(value[0], int | float | list):
        value = array(value)
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, Mapping | LabelMap):
        return [value]
    labels = array(value)
    if labels.ndim == 4:
        if 1 not in (labels.shape[1], labels.shape[3]):
            raise InputError(
                f"logits or scores of shape {labels.shape}, (N, C, H, W): {ARGMAX}, x.argmax(1)"
            )
        return list(labels[:, 0] if labels.shape[1] == 1 else labels[..., 0])
    if labels.ndim == 3 and labels.shape[2] == 1 and labels.shape[0] != (ids or 1):
        return [labels[..., 0]]
    return list(labels) if labels.ndim == 3 else [labels]


def _plane(labels: Array) -> Array:
    """One image without its axis of length one."""
    if labels.ndim == 3 and 1 in (labels.shape[0], labels.shape[2]):
        return labels[0] if labels.shape[0] == 1 else labels[..., 0]
    return labels


def _only(value: Mapping[str, Any], *allowed: str) -> None:
    unknown = [key for key in value if key not in allowed]
    if unknown:
        raise InputError(f"unknown key {unknown[0]!r} in a dict; the keys are {', '.join(allowed)}")
