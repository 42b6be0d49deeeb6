"""Objects in COCO form: annotations and results become masks, and masks become annotations and
results.

Polygons, compressed and plain run lengths are all read; what is damaged is refused with the file
and image named.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bench import masks
from bench.errors import DataError, PredictionError
from bench.formats.coco import classes as coco_classes
from bench.formats.coco import json_files as coco_json
from bench.formats.coco import masks as coco_masks
from bench.formats.coco.json_files import Annotation, InstanceFile, Number, Result
from bench.formats.finding import image_ids
from bench.formats.objects import derive
from bench.notices import Notice
from bench.samples import Array, Instances, Rle

if TYPE_CHECKING:
    from bench.cards import Card

Size = tuple[int, int]
Entry = TypeVar("Entry", Annotation, Result)
FARTHEST = 1e9
"""Pixels from the origin that no corner or side of a box reaches; areas of boxes beyond it need not
be finite.
"""


def truth(card: Card, path: Path) -> Callable[[Number], Instances]:
    """Read a truth file; the function returned gives the objects of an image in the order of the
    file.

    Areas and boxes are the file's where it has them, as COCO's size ranges ask for.

    Raises:
        DataError: no such file, categories that contradict the card; later, an object with a
            damaged mask.
    """
    return truth_of(card, coco_json.load(path, InstanceFile), path)


def truth_of(card: Card, file: InstanceFile, path: Path) -> Callable[[Number], Instances]:
    """As `truth`, from a file that has been read."""
    coco_json.check_categories(file.categories, card, path)
    coco_classes.check_annotations(file.annotations, file.categories, card, path)
    sizes = {image.id: (image.height, image.width) for image in file.images}
    for index, entry in enumerate(file.annotations):
        check_box(entry, index, path, DataError)
        if entry.image_id not in sizes:
            subject = f"annotation {index}" + ("" if entry.id is None else f" (id {entry.id})")
            raise DataError(
                f"{path}: {subject} belongs to image {entry.image_id!r}, which the file does not "
                "list"
            )
    grouped = _by_image(file.annotations)
    train_ids = coco_json.train_ids(card)

    def read(number: Number) -> Instances:
        if number not in sizes:
            raise DataError(f"{path}: does not list image {number!r}, so it has no objects to read")
        kept = [(index, e) for index, e in grouped[number] if train_ids[e.category_id] is not None]
        rles, marks = _masks(kept, sizes[number], path, DataError)
        tight = derive.instances_from_rles(
            sizes[number],
            np.array([train_ids[entry.category_id] for _, entry in kept], dtype=np.int64),
            rles,
            crowd=np.array([bool(entry.iscrowd) for _, entry in kept], dtype=bool),
        )
        areas = [
            a if e.area is None else e.area
            for (_, e), a in zip(kept, tight.areas.tolist(), strict=True)
        ]
        boxes = [e.bbox or box for (_, e), box in zip(kept, tight.boxes.tolist(), strict=True)]
        return Instances(
            size=tight.size,
            classes=tight.classes,
            rles=tight.rles,
            areas=np.array(areas, dtype=np.float64),
            boxes=np.array(boxes, dtype=np.float64).reshape(-1, 4),
            crowd=tight.crowd,
            numbers=np.array([number_of(entry, index) for index, entry in kept], dtype=np.int64),
            marks=marks,
        )

    return read


def check_box(entry: coco_classes.Entry, index: int, path: Path, wrong: coco_json.Wrong) -> None:
    """Refuse a bbox that is not a box; one without extent or with a negative size cannot be
    matched, so it is allowed.

    Raises:
        DataError, PredictionError (as `wrong`): other than four numbers, or numbers too large for
            their areas.
    """
    if not entry.bbox:
        return
    subject = f"{path}: {coco_classes.named(entry, index)} has"
    if len(entry.bbox) != 4:
        raise wrong(
            f"{subject} a bbox of {len(entry.bbox)} numbers; it needs 4: x, y, width and height"
        )
    if max(map(abs, entry.bbox)) > FARTHEST:
        raise wrong(f"{subject} the box {entry.bbox}, which is outside every image")


def number_of(entry: coco_classes.Entry, index: int) -> int:
    """What messages call an annotation: its id if that is a usual number, else its place."""
    number = getattr(entry, "id", None)
    return number if isinstance(number, int) and abs(number) < 1 << 62 else index


@dataclass(frozen=True, eq=False)
class Results:
    """A results file that was read; called, it gives the detections of an image, in the order of
    the file.
    """

    read: Callable[[Number, Size], Instances]
    notices: tuple[Notice, ...]

    def __call__(self, number: Number, size: Size) -> Instances:
        """The detections of the image with this id, height and width.

        Raises:
            PredictionError: a damaged mask.
        """
        return self.read(number, size)


def results(card: Card, path: Path, files: Mapping[Number, str]) -> Results:
    """Read a results file; `files` are the file names of all images of the truth by image id.

    As pycocotools does, areas are those of the boxes where the first result has one, else those of
    the masks, and a result without mask is its box.

    Raises:
        PredictionError: images that are not among `files` (`image_ids.py` says what they may be
            called), unknown categories, scores that are not numbers; later, damaged masks.
    """
    entries = coco_json.load(path, list[Result], PredictionError)
    coco_classes.check_results(entries, card, path)
    notices = image_ids.resolve(entries, files, str(path))
    check_results(entries, path)
    grouped = _by_image(entries)
    train_ids = coco_json.train_ids(card)
    from_boxes = bool(entries and entries[0].bbox)

    def read(number: Number, size: Size) -> Instances:
        kept = [
            (index, e)
            for index, e in grouped.get(number, [])
            if train_ids[e.category_id] is not None
        ]
        rles, marks = _masks(kept, size, path, PredictionError)
        detected = derive.instances_from_rles(
            size,
            np.array([train_ids[entry.category_id] for _, entry in kept], dtype=np.int64),
            rles,
            scores=np.array([entry.score for _, entry in kept], dtype=np.float64),
        )
        boxes, areas = detected.boxes, detected.areas
        if from_boxes and kept:
            file_boxes = [e.bbox or box for (_, e), box in zip(kept, boxes.tolist(), strict=True)]
            boxes = np.array(file_boxes, dtype=np.float64).reshape(-1, 4)
            areas = boxes[:, 2] * boxes[:, 3]
        return Instances(
            size=size,
            classes=detected.classes,
            rles=rles,
            areas=areas,
            boxes=boxes,
            scores=detected.scores,
            numbers=np.array([index for index, _ in kept], dtype=np.int64),
            marks=marks,
        )

    return Results(read, notices)


def check_results(entries: Iterable[Result], path: Path) -> None:
    """Refuse scores that are not finite, and boxes that are not boxes.

    Raises:
        PredictionError: the first such result.
    """
    for index, result in enumerate(entries):
        if not math.isfinite(result.score):
            raise PredictionError(
                f"{path}: result {index} (image {result.image_id}) has the score {result.score}"
            )
        check_box(result, index, path, PredictionError)


def annotation_entries(
    card: Card, number: Number, instances: Instances, first: int
) -> list[dict[str, Any]]:
    """The objects of one image as annotations numbered from `first`; crowds have plain run lengths,
    as in COCO.
    """
    return [
        {
            "id": first + index,
            "image_id": number,
            "category_id": card.classes.scored[int(instances.classes[index])].id,
            "iscrowd": int(instances.crowd[index]),
            "area": _number(instances.areas[index]),
            "bbox": [_number(value) for value in instances.boxes[index]],
            "segmentation": _plain(rle) if instances.crowd[index] else _compressed(rle),
        }
        for index, rle in enumerate(instances.rles)
    ]


def result_entries(card: Card, number: Number, instances: Instances) -> Iterator[dict[str, Any]]:
    """The detections of one image as results, in their order.

    Raises:
        PredictionError: detections without scores.
    """
    if instances.scores is None:
        raise PredictionError(
            f"image {number}: detections are written with scores, but these have none"
        )
    tight = bool((instances.areas == masks.areas(instances.rles)).all())
    for index, rle in enumerate(instances.rles):
        # A box in the first result changes what areas mean to a reader, so it is left out where
        # areas are of masks.
        box = {} if tight else {"bbox": [float(value) for value in instances.boxes[index]]}
        yield {
            "image_id": number,
            "category_id": card.classes.scored[int(instances.classes[index])].id,
            "segmentation": _compressed(rle),
            "score": float(instances.scores[index]),
            **box,
        }


def _by_image(entries: Iterable[Entry]) -> dict[Number, list[tuple[int, Entry]]]:
    """The entries of each image, with their places in the file."""
    grouped: dict[Number, list[tuple[int, Entry]]] = defaultdict(list)
    for index, entry in enumerate(entries):
        grouped[entry.image_id].append((index, entry))
    return grouped


def _masks(
    kept: Sequence[tuple[int, Entry]], size: Size, path: Path, wrong: coco_json.Wrong
) -> tuple[list[Rle], Array]:
    """The masks of the objects of one image, and their marks, (G,) uint8."""
    drawn = [
        coco_masks.drawn(
            e.segmentation, e.bbox, size, f"{path}: {coco_classes.named(e, index)}", wrong
        )
        for index, e in kept
    ]
    return [rle for rle, _ in drawn], np.array([mark for _, mark in drawn], dtype=np.uint8)


def _compressed(rle: Rle) -> dict[str, Any]:
    return {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")}


def _plain(rle: Rle) -> dict[str, Any]:
    return {"size": list(rle["size"]), "counts": masks.runs(rle).tolist()}


def _number(value: Array) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() else number
