"""LVIS' truth files: COCO's with lists of the classes that each image tells, and the frequency of each class.

Results are COCO's. A reader of columns only: no card names this layout yet, and samples with pictures come from
`coco.py`. It knows no metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from bench import masks
from bench.columns import DetectionColumns, Runs, TruthColumns
from bench.errors import DataError, InputError, PredictionError
from bench.formats.coco_json import Result, RleEntry, Segmentation, Wrong, load
from bench.samples import Array

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class LvisTruth:
    """A truth file: objects of N images, by rising number, and C classes, by rising category.

    `negative` (K, 2) int64 are pairs of an image's position and a class known to be absent there, `not_exhaustive`
    (K, 2) of one and a class that is marked only in part. `frequencies` (C) are r, c or f. `numbers` (N) and `sizes`
    (N, height and width) are the images', `categories` (C) the classes' numbers in files, `names` (C) their names.
    """

    columns: TruthColumns
    negative: Array
    not_exhaustive: Array
    frequencies: tuple[str, ...]
    numbers: tuple[int, ...]
    sizes: tuple[Size, ...]
    categories: tuple[int, ...]
    names: tuple[str, ...]


class _Image(msgspec.Struct, gc=False):
    id: int
    height: int
    width: int
    neg_category_ids: list[int]
    not_exhaustive_category_ids: list[int]


class _Category(msgspec.Struct, gc=False):
    id: int
    name: str
    frequency: str


class _Annotation(msgspec.Struct, gc=False):
    image_id: int
    category_id: int
    segmentation: Segmentation
    bbox: tuple[float, float, float, float]
    area: float
    ignore: int | bool = 0


class _File(msgspec.Struct, gc=False):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def read_truth(path: Path) -> LvisTruth:
    """Read a truth file.

    Raises:
        DataError: it cannot be read, lacks a key, or names an image, a category or a frequency that does not exist.
    """
    file = load(path, _File)
    images, categories = sorted(file.images, key=lambda i: i.id), sorted(file.categories, key=lambda c: c.id)
    numbers, ids = tuple(image.id for image in images), tuple(each.id for each in categories)
    sizes = tuple((image.height, image.width) for image in images)
    where, which = _places(numbers, ids)
    for each in categories:
        if each.frequency not in ("r", "c", "f"):
            raise DataError(f"{path}: category {each.id} has the frequency {each.frequency!r}; it is r, c or f")
    entries = file.annotations
    image = _looked_up([entry.image_id for entry in entries], where, f"{path}: an annotation of the image", DataError)
    runs = _runs([entry.segmentation for entry in entries], [sizes[place] for place in image], str(path), DataError)
    category = [entry.category_id for entry in entries]
    columns = TruthColumns(
        images=len(images),
        image=np.array(image, dtype=np.int32),
        classes=np.array(
            _looked_up(category, which, f"{path}: an annotation of the category", DataError), dtype=np.int32
        ),
        boxes=np.array([entry.bbox for entry in entries], dtype=np.float64).reshape(-1, 4),
        areas=np.array([entry.area for entry in entries], dtype=np.float64),
        crowd=np.zeros(len(entries), dtype=bool),
        runs=runs,
        ignore=np.array([bool(entry.ignore) for entry in entries], dtype=bool),
    )
    negative, partly = (
        _lists(listed, which, f"{path}: an image lists the category")
        for listed in ([i.neg_category_ids for i in images], [i.not_exhaustive_category_ids for i in images])
    )
    return LvisTruth(
        columns,
        negative,
        partly,
        tuple(each.frequency for each in categories),
        numbers,
        sizes,
        ids,
        tuple(each.name for each in categories),
    )


def read_results(path: Path, truth: LvisTruth) -> DetectionColumns:
    """Read a results file as COCO has it, with masks, boxes or both.

    Raises:
        PredictionError: it cannot be read, names an image or category that the truth lacks, or some detections have
            masks or boxes and others not.
    """
    results = load(path, list[Result], PredictionError)
    where, which = _places(truth.numbers, truth.categories)
    image = _looked_up([r.image_id for r in results], where, f"{path}: a result of the image", PredictionError)
    classes = _looked_up([r.category_id for r in results], which, f"{path}: a result of the category", PredictionError)
    masked, boxed = ([getattr(r, name) is not None for r in results] for name in ("segmentation", "bbox"))
    if any(masked) != all(masked) or not (all(masked) or all(boxed)):
        raise PredictionError(f"{path}: some results have a segmentation or a bbox and others not; all need the same")
    runs = None
    if all(masked):
        shapes = [r.segmentation for r in results]
        runs = _runs(shapes, [truth.sizes[place] for place in image], str(path), PredictionError)
    boxes = [r.bbox for r in results] if all(boxed) else None
    if boxes is None:
        from bench import kernels

        assert runs is not None
        around = kernels.run_boxes(runs.offsets, runs.lengths, runs.heights)
    return DetectionColumns(
        images=len(truth.numbers),
        image=np.array(image, dtype=np.int32),
        classes=np.array(classes, dtype=np.int32),
        scores=np.array([r.score for r in results], dtype=np.float64),
        boxes=around if boxes is None else np.array(boxes, dtype=np.float64).reshape(-1, 4),
        runs=runs,
    )


def _places(numbers: Sequence[int], categories: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    first, second = ({number: place for place, number in enumerate(each)} for each in (numbers, categories))
    return first, second


def _looked_up(numbers: Sequence[int | str], places: Mapping[int, int], what: str, wrong: Wrong) -> list[int]:
    found = []
    for number in numbers:
        if number not in places:
            raise wrong(f"{what} {number!r}, which the truth does not list")
        found.append(places[number])  # type: ignore[index]
    return found


def _lists(listed: Sequence[Sequence[int]], places: Mapping[int, int], what: str) -> Array:
    pairs = [(n, place) for n, each in enumerate(listed) for place in _looked_up(each, places, what, DataError)]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _runs(shapes: Sequence[Segmentation], sizes: Sequence[Size], where: str, wrong: Wrong) -> Runs:
    lengths = []
    for place, (shape, size) in enumerate(zip(shapes, sizes, strict=True)):
        try:
            lengths.append(_lengths(shape, size))
        except InputError as error:
            raise wrong(f"{where}: object {place}: {error}") from None
    offsets = np.cumsum([0, *(len(each) for each in lengths)], dtype=np.int64)
    joined = np.concatenate([np.zeros(0, np.int64), *lengths]).astype(np.uint32)
    return Runs(offsets, joined, np.array([height for height, _ in sizes], dtype=np.int32))


def _lengths(shape: Segmentation, size: Size) -> Array:
    if not isinstance(shape, RleEntry):
        return masks.runs(masks.from_polygons(shape or [], size))
    if shape.size != size:
        raise InputError(f"a mask of size {list(shape.size)} in an image of {list(size)} (height, width)")
    if not isinstance(shape.counts, str):
        return masks.runs(masks.from_uncompressed(shape.counts, size))
    rle = {"size": list(size), "counts": shape.counts.encode("utf-8")}
    masks.check([rle], size)
    return masks.runs(rle)
