"""Objects in COCO form: annotations and results become masks, and masks become annotations and results.

Polygons, compressed and plain run lengths are all read; what is damaged is refused with the file and image named.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bench import masks
from bench.errors import DataError, InputError, PredictionError
from bench.formats import coco_json, derive
from bench.formats.coco_json import Annotation, InstanceFile, Number, Result, RleEntry, Segmentation
from bench.samples import Array, Instances, Rle

if TYPE_CHECKING:
    from bench.cards import Card

Size = tuple[int, int]
Entry = TypeVar("Entry", Annotation, Result)
FARTHEST = 1e9
"""Pixels from the origin that no corner or side of a box reaches; areas of boxes beyond it need not be finite."""


def truth(card: Card, path: Path) -> Callable[[Number], Instances]:
    """Read a truth file; the function returned gives the objects of an image in the order of the file.

    Areas and boxes are the file's where it has them, as COCO's size ranges ask for.

    Raises:
        DataError: no such file, categories that contradict the card; later, an object with a damaged mask.
    """
    return truth_of(card, coco_json.load(path, InstanceFile), path)


def truth_of(card: Card, file: InstanceFile, path: Path) -> Callable[[Number], Instances]:
    """As `truth`, from a file that has been read."""
    coco_json.check_categories(file.categories, card, path)
    coco_json.check_used((annotation.category_id for annotation in file.annotations), card, path)
    _check_boxes(file.annotations, path)
    sizes = {image.id: (image.height, image.width) for image in file.images}
    grouped = _by_image(file.annotations)
    train_ids = coco_json.train_ids(card)
    strays = [number for number in grouped if number not in sizes]
    if strays:
        raise DataError(f"{path}: an annotation belongs to image {strays[0]!r}, which the file does not list")

    def read(number: Number) -> Instances:
        if number not in sizes:
            raise DataError(f"{path}: does not list image {number!r}, so its objects are unknown")
        kept = [entry for entry in grouped[number] if train_ids[entry.category_id] is not None]
        rles = [_rle(entry, sizes[number], f"{path}: image {number}", DataError) for entry in kept]
        tight = derive.instances_from_rles(
            sizes[number],
            np.array([train_ids[entry.category_id] for entry in kept], dtype=np.int64),
            rles,
            crowd=np.array([bool(entry.iscrowd) for entry in kept], dtype=bool),
        )
        areas = [a if e.area is None else e.area for e, a in zip(kept, tight.areas.tolist(), strict=True)]
        negative = next((area for area in areas if area < 0), None)
        if negative is not None:
            raise DataError(f"{path}: image {number}: an object has the area {negative:g}; areas are pixels, 0 or more")
        boxes = [e.bbox or box for e, box in zip(kept, tight.boxes.tolist(), strict=True)]
        return Instances(
            size=tight.size,
            classes=tight.classes,
            rles=tight.rles,
            areas=np.array(areas, dtype=np.float64),
            boxes=np.array(boxes, dtype=np.float64).reshape(-1, 4),
            crowd=tight.crowd,
        )

    return read


def _check_boxes(found: Iterable[Annotation], path: Path) -> None:
    for place, entry in enumerate(found):
        if entry.bbox and (len(entry.bbox) != 4 or min(entry.bbox[2:]) < 0):
            what = f"annotation {place} has the bbox {entry.bbox}"
            raise DataError(f"{path}: {what}; it needs x, y, and a width and height of 0 or more")


def results(card: Card, path: Path, listed: frozenset[Number]) -> Callable[[Number, Size], Instances]:
    """Read a results file; the function returned gives the detections of an image, in the order of the file.

    As pycocotools does, areas are those of the boxes where the first result has one, else those of the masks, and a
    result without mask is its box.

    Raises:
        PredictionError: images that are not in `listed` (unless it is empty), unknown categories, scores that are no
            numbers; later, damaged masks.
    """
    found = coco_json.load(path, list[Result], PredictionError)
    coco_json.check_used((result.category_id for result in found), card, path, PredictionError)
    check_results(found, path, listed)
    grouped = _by_image(found)
    train_ids = coco_json.train_ids(card)
    from_boxes = bool(found and found[0].bbox)

    def read(number: Number, size: Size) -> Instances:
        kept = [entry for entry in grouped.get(number, []) if train_ids[entry.category_id] is not None]
        rles = [_rle(entry, size, f"{path}: image {number}", PredictionError) for entry in kept]
        detected = derive.instances_from_rles(
            size,
            np.array([train_ids[entry.category_id] for entry in kept], dtype=np.int64),
            rles,
            scores=np.array([entry.score for entry in kept], dtype=np.float64),
        )
        if not from_boxes or not kept:
            return detected
        boxes = [e.bbox or box for e, box in zip(kept, detected.boxes.tolist(), strict=True)]
        columns = np.array(boxes, dtype=np.float64).reshape(-1, 4)
        return Instances(
            size=size,
            classes=detected.classes,
            rles=rles,
            areas=columns[:, 2] * columns[:, 3],
            boxes=columns,
            scores=detected.scores,
        )

    return read


def check_results(found: Iterable[Result], path: Path, listed: frozenset[Number]) -> None:
    """Refuse results of images that are not in `listed` (unless it is empty), and scores and boxes that are none.

    Raises:
        PredictionError: the first such result.
    """
    for place, result in enumerate(found):
        if not math.isfinite(result.score):
            raise PredictionError(f"{path}: result {place} (image {result.image_id}) has the score {result.score}")
        if listed and result.image_id not in listed:
            number = result.image_id
            raise PredictionError(f"{path}: result {place} is for image {number!r}, which the truth does not list")
        if result.bbox and len(result.bbox) != 4:
            raise PredictionError(f"{path}: result {place} has a bbox of {len(result.bbox)} numbers; it needs 4")
        # An empty mask has a box without extent; a box that is all there is of an object has one.
        if result.bbox and min(result.bbox[2:]) < (0 if result.segmentation else 1e-12):
            size = " x ".join(f"{length:g}" for length in result.bbox[2:])
            raise PredictionError(
                f"{path}: result {place} (image {result.image_id}) has a box of {size} pixels; "
                "width and height are positive"
            )
        if result.bbox and max(map(abs, result.bbox)) > FARTHEST:
            raise PredictionError(
                f"{path}: result {place} (image {result.image_id}) has the box {result.bbox}, which lies in no image"
            )


def annotation_entries(card: Card, number: Number, instances: Instances, first: int) -> list[dict[str, Any]]:
    """The objects of one image as annotations numbered from `first`; crowds have plain run lengths, as in COCO."""
    return [
        {
            "id": first + place,
            "image_id": number,
            "category_id": card.classes.scored[int(instances.classes[place])].id,
            "iscrowd": int(instances.crowd[place]),
            "area": _number(instances.areas[place]),
            "bbox": [_number(value) for value in instances.boxes[place]],
            "segmentation": _plain(rle) if instances.crowd[place] else _compressed(rle),
        }
        for place, rle in enumerate(instances.rles)
    ]


def result_entries(card: Card, number: Number, instances: Instances) -> Iterator[dict[str, Any]]:
    """The detections of one image as results, in their order.

    Raises:
        PredictionError: detections without scores.
    """
    if instances.scores is None:
        raise PredictionError(f"image {number}: detections are written with scores, and these have none")
    tight = bool((instances.areas == masks.areas(instances.rles)).all())
    for place, rle in enumerate(instances.rles):
        # A box in the first result changes what areas mean to a reader, so it is left out where areas are of masks.
        box = {} if tight else {"bbox": [float(value) for value in instances.boxes[place]]}
        yield {
            "image_id": number,
            "category_id": card.classes.scored[int(instances.classes[place])].id,
            "segmentation": _compressed(rle),
            "score": float(instances.scores[place]),
            **box,
        }


def _by_image(entries: Iterable[Entry]) -> dict[Number, list[Entry]]:
    grouped: dict[Number, list[Entry]] = defaultdict(list)
    for entry in entries:
        grouped[entry.image_id].append(entry)
    return grouped


def _rle(entry: Annotation | Result, size: Size, where: str, wrong: coco_json.Wrong) -> Rle:
    if not entry.segmentation and not entry.bbox:
        raise wrong(f"{where}: an object of category {entry.category_id} has neither segmentation nor bbox")
    what = f"{where}: an object of category {entry.category_id}"
    return mask(entry.segmentation or [corners(entry.bbox or [])], size, what, wrong)


def mask(segmentation: Segmentation, size: Size, where: str, wrong: coco_json.Wrong) -> Rle:
    """The mask of an object, from polygons or run lengths, in an image of this height and width.

    Raises:
        DataError, PredictionError (as `wrong`): a damaged mask, or one of another size; `where` names the object.
    """
    try:
        return _mask(segmentation, size)
    except InputError as error:
        raise wrong(f"{where}: {error}") from None


def _mask(segmentation: Segmentation, size: Size) -> Rle:
    if not isinstance(segmentation, RleEntry):
        return masks.from_polygons(segmentation or [], size)
    if segmentation.size != size:
        raise InputError(f"a mask of size {list(segmentation.size)} for an image of {list(size)} (height, width)")
    if not isinstance(segmentation.counts, str):
        return masks.from_uncompressed(segmentation.counts, size)
    rle = {"size": list(size), "counts": segmentation.counts.encode("utf-8")}
    masks.check([rle], size)
    return rle


def corners(box: Sequence[float]) -> list[float]:
    """The polygon of a box, as pycocotools makes a mask of it."""
    x, y, width, height = box
    return [x, y, x, y + height, x + width, y + height, x + width, y]


def _compressed(rle: Rle) -> dict[str, Any]:
    return {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")}


def _plain(rle: Rle) -> dict[str, Any]:
    return {"size": list(rle["size"]), "counts": masks.runs(rle).tolist()}


def _number(value: Array) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() else number
