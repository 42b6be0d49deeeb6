"""Masks of objects from users: planes, probabilities, run-length codes, polygons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from bench import masks
from bench.errors import InputError
from bench.inputs.arrays import array, whole
from bench.samples import Array, Rle

Size: TypeAlias = tuple[int, int]
NO_MASKS: Size = (0, 0)
"""The size of objects with boxes only."""


def none(count: int) -> list[Rle]:
    """The codes of `count` objects without masks."""
    return [{"size": list(NO_MASKS), "counts": b"0"}] * count


def codes(entries: Any, size: Size | None, count: int) -> tuple[list[Rle], Size]:
    """The codes of planes (G, H, W) or of run-length codes, and the size of the image.

    `size` is returned if there is no mask.

    Raises:
        InputError: a wrong shape, masks of several sizes, or a damaged code.
    """
    if entries is None:
        return none(count), NO_MASKS if count else size or NO_MASKS
    if (
        isinstance(entries, list | tuple)
        and entries
        and all(isinstance(entry, Mapping) for entry in entries)
    ):
        size = _size(entries[0])
        made = [_rle(entry) for entry in entries]
        masks.check(made, size)
        return made, size
    if isinstance(entries, list | tuple):
        planes = [array(entry) for entry in entries]
        if len({plane.shape for plane in planes}) > 1:
            raise InputError(
                "all masks must have the size of the image, got several shapes, first "
                f"{planes[0].shape}"
            )
        entries = planes
    stacked = array(entries)
    if stacked.ndim == 4 and stacked.shape[1] == 1:
        stacked = stacked[:, 0]
    if not stacked.size and not count:
        return [], (stacked.shape[1], stacked.shape[2]) if stacked.ndim == 3 else size or NO_MASKS
    if stacked.ndim != 3:
        raise InputError(f"masks must have the shape (G, H, W), got {stacked.shape}")
    # Masks of torchvision's networks are probabilities; its own threshold is 0.5.
    inside = stacked > 0.5 if stacked.dtype.kind == "f" else stacked != 0
    return masks.encode_many(inside), (stacked.shape[1], stacked.shape[2])


def of_segmentations(
    segmentations: Sequence[Any], boxes: Array, size: Size | None, *, cut: bool
) -> tuple[list[Rle], Size, Array]:
    """The codes of `segmentation` entries, the image size, and the marks of `bench.samples`, (G,)
    uint8.

    They are drawn like those of files: an object without a mask gets its box, `boxes` (G, 4), NaN
    if it has none. `size` (height, width) is needed if no run-length code has it; `cut` as in
    `masks.from_outline`.

    Raises:
        InputError: a damaged mask, one without a size, or an object with neither mask nor box.
    """
    size = next(
        (
            _size(segmentation)
            for segmentation in segmentations
            if isinstance(segmentation, Mapping)
        ),
        size,
    )
    if size is None:
        raise InputError("polygons need the size of the image: pass size=(height, width)")
    pairs = zip(segmentations, boxes, strict=True)
    drawn = [
        _drawn(segmentation, box, size, index, cut=cut)
        for index, (segmentation, box) in enumerate(pairs)
    ]
    return [rle for rle, _ in drawn], size, np.array([mark for _, mark in drawn], dtype=np.uint8)


def segmentation(entry: Any) -> Mapping[str, Any] | list[list[float]]:
    """A mask in COCO's form: a run-length code, or the parts of a polygon (an empty list without a
    mask).

    Raises:
        InputError: another form.
    """
    if isinstance(entry, Mapping):
        return entry
    try:
        return [
            [float(number) for number in corners] for corners in (() if entry is None else entry)
        ]
    except (TypeError, ValueError):
        form = "a run-length code, or a list of polygons, each x1, y1, x2, y2, ..."
        raise InputError(f"a segmentation must be {form}") from None


def size_of(value: Any) -> Size | None:
    """The size of the image according to the masks of its objects, or None."""
    entries: Any = value.get("masks") if isinstance(value, Mapping) else value
    if len(getattr(entries, "shape", ())) >= 3:
        return int(entries.shape[-2]), int(entries.shape[-1])
    for entry in entries if isinstance(entries, list | tuple) else ():
        code = entry.get("segmentation", entry) if isinstance(entry, Mapping) else None
        if isinstance(code, Mapping) and "size" in code and "counts" in code:
            return _size(code)
    return None


def _size(code: Mapping[str, Any]) -> Size:
    form = "a run-length code must be a dict with size, [height, width], and counts"
    if not {"size", "counts"} <= set(code):
        raise InputError(form)
    try:
        height, width = (int(side) for side in code["size"])
    except (TypeError, ValueError):
        raise InputError(form) from None
    return height, width


def _rle(entry: Mapping[str, Any]) -> Rle:
    """The code from bytes, text or a list of counts."""
    size, counts = _size(entry), entry["counts"]
    if isinstance(counts, str | bytes):
        return {
            "size": list(size),
            "counts": counts.encode("utf-8") if isinstance(counts, str) else counts,
        }
    return masks.from_uncompressed(whole(array(counts), "counts"), size)


def _drawn(entry: Any, box: Array, size: Size, index: int, *, cut: bool) -> tuple[Rle, int]:
    if isinstance(entry, Mapping):
        rle = _rle(entry)
        masks.check([rle], size)
        return rle, 0
    sides = None if np.isnan(box).any() else box.tolist()
    shape = masks.from_outline(entry, sides, size, cut=cut)
    if shape is None:
        raise InputError(f"object {index} has neither a mask nor a box (segmentation, bbox)")
    return shape
