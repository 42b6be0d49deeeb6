"""The mask of one object of a COCO file: run lengths, polygons, or its box where it has neither.

Degenerate parts of polygons are drawn as pycocotools draws them; marks record what was noticed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench import masks
from bench.errors import DataError, InputError
from bench.formats.coco import json_files as coco_json
from bench.formats.coco.json_files import RleEntry, Segmentation
from bench.samples import Rle

Size = tuple[int, int]


def drawn(
    segmentation: Segmentation,
    box: Sequence[float] | None,
    size: Size,
    where: str,
    wrong: coco_json.Wrong,
) -> tuple[Rle, int]:
    """The mask of an object in an image of this height and width, and the marks of `bench.samples`.

    The box of a result is cut at the image, that of a truth is not.

    Raises:
        DataError, PredictionError (as `wrong`): a damaged mask, or one of another size; `where`
            names the object.
    """
    try:
        if isinstance(segmentation, RleEntry):
            return _runs(segmentation, size), 0
        shape = masks.from_outline(
            segmentation or [], box or None, size, cut=wrong is not DataError
        )
    except InputError as error:
        raise wrong(f"{where}: {error}") from None
    if shape is None:
        raise wrong(f"{where} has neither a mask nor a box (segmentation, bbox)")
    return shape


_ANY = re.compile(rb'"segmentation"\s*:\s*(?:\{|\[\s*\[\s*[-\d])')


def any_in(data: bytes) -> bool:
    """Whether the text of a truth file has a mask anywhere: run lengths, or a polygon that is not
    empty.

    >>> any_in(b'{"annotations": [{"segmentation": []}]}'), any_in(b'[{"segmentation": [[1, 2, 3')
    (False, True)
    """
    return _ANY.search(data) is not None


def is_there(segmentation: Segmentation) -> bool:
    """Whether a mask has run lengths or a polygon that is not empty, as `any_in` says of the text
    of a file.
    """
    return isinstance(segmentation, RleEntry) or any(segmentation or ())


def _runs(segmentation: RleEntry, size: Size) -> Rle:
    if segmentation.size != size:
        raise InputError(
            f"a mask of size {list(segmentation.size)} for an image of {list(size)} (height, width)"
        )
    if not isinstance(segmentation.counts, str):
        return masks.from_uncompressed(segmentation.counts, size)
    rle = {"size": list(size), "counts": segmentation.counts.encode("utf-8")}
    masks.check([rle], size)
    return rle
