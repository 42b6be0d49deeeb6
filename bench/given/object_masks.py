"""Masks of objects in the forms that people have: planes, probabilities, run-length codes, polygons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from bench import masks
from bench.errors import InputError
from bench.given.arrays import array, whole
from bench.samples import Rle

Size: TypeAlias = tuple[int, int]
NO_MASKS: Size = (0, 0)
"""The size of objects that have boxes alone."""


def none(count: int) -> list[Rle]:
    """Codes of so many objects without masks."""
    return [{"size": list(NO_MASKS), "counts": b"0"}] * count


def codes(found: Any, size: Size | None, count: int) -> tuple[list[Rle], Size]:
    """The codes of masks and the size of their image; `size` (height, width) is needed by polygons alone.

    Raises:
        InputError: another shape, masks of several sizes, a damaged code, or polygons where no size is known.
    """
    if found is None:
        return none(count), NO_MASKS if count else size or NO_MASKS
    if isinstance(found, list | tuple) and found and (isinstance(found[0], Mapping) or _is_polygons(found[0])):
        size = next((_size(each) for each in found if isinstance(each, Mapping)), size)
        if size is None:
            raise InputError("polygons need the size of the image: say size=(height, width)")
        made = [_rle(each, size) for each in found]
        masks.check(made, size)
        return made, size
    if isinstance(found, list | tuple):
        planes = [array(each) for each in found]
        if len({plane.shape for plane in planes}) > 1:
            raise InputError(f"masks of several shapes, {planes[0].shape} first; all have the size of the image")
        found = planes
    stacked = array(found)
    if stacked.ndim == 4 and stacked.shape[1] == 1:
        stacked = stacked[:, 0]
    if not stacked.size and not count:
        return [], (stacked.shape[1], stacked.shape[2]) if stacked.ndim == 3 else size or NO_MASKS
    if stacked.ndim != 3:
        raise InputError(f"masks have shape (G, H, W), and these {stacked.shape}")
    # Masks of torchvision's networks are probabilities; its own threshold is .5.
    inside = stacked > 0.5 if stacked.dtype.kind == "f" else stacked != 0
    return masks.encode_many(inside), (stacked.shape[1], stacked.shape[2])


def size_of(value: Any) -> Size | None:
    """The size of the image that the masks of one image tell, where they do."""
    entries: Any = value.get("masks") if isinstance(value, Mapping) else value
    if len(getattr(entries, "shape", ())) >= 3:
        return int(entries.shape[-2]), int(entries.shape[-1])
    for entry in entries if isinstance(entries, list | tuple) else ():
        code = entry.get("segmentation", entry) if isinstance(entry, Mapping) else None
        if isinstance(code, Mapping) and "size" in code and "counts" in code:
            return _size(code)
    return None


def _is_polygons(entry: Any) -> bool:
    """Whether this is a list of lists of numbers, as COCO draws an object; a plane is an array."""
    return isinstance(entry, list | tuple) and bool(entry) and isinstance(entry[0], list | tuple)


def _size(code: Mapping[str, Any]) -> Size:
    if not {"size", "counts"} <= set(code) or len(code["size"]) != 2:
        raise InputError("a run-length code is a dict with size, [height, width], and counts")
    return int(code["size"][0]), int(code["size"][1])


def _rle(entry: Any, size: Size) -> Rle:
    """The code of a run-length code (bytes, text or plain counts) or of polygons."""
    if not isinstance(entry, Mapping):
        return masks.from_polygons([[float(number) for number in part] for part in entry], size)
    counts = entry["counts"]
    if isinstance(counts, str | bytes):
        text = counts.encode("utf-8") if isinstance(counts, str) else counts
        return {"size": list(_size(entry)), "counts": text}
    return masks.from_uncompressed(whole(array(counts), "counts"), _size(entry))
