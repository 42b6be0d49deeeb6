"""COCO truth and results in bulk, as columns: the way for large files, in which no entry becomes an
object.

The compiled reader takes usual files. All others, right or wrong, are read by `unusual.py`: it is
the specification of this module, reports what is wrong, and is used if nothing was compiled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np

from bench import kernels, prefetch
from bench.errors import PredictionError
from bench.formats.coco import instances as coco_instances
from bench.formats.coco import json_files as coco_json
from bench.formats.coco import masks as coco_masks
from bench.formats.coco import unusual as coco_unusual
from bench.formats.coco.json_files import Category, ImageEntry, Number
from bench.formats.coco.unusual import TruthFile
from bench.formats.finding import image_ids
from bench.prefetch import Parsed
from bench.samples import Array
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

if TYPE_CHECKING:
    from bench.cards import Card

Columns = TypeVar("Columns", TruthColumns, DetectionColumns)
_LARGEST = 1 << 22
"""Categories up to here are looked up in a table."""


def read(
    card: Card,
    truth: Path | TruthFile,
    results: Path,
    *,
    with_masks: bool = True,
    numbers: Sequence[Number] | None = None,
) -> tuple[TruthFile, DetectionColumns]:
    """Read both files, at the same time where they are read by compiled code; arguments as below.

    The truth may have been read already, with masks if they are wanted.

    Raises:
        DataError, PredictionError: as `read_truth` and `read_results`.
    """
    # The results are parsed in a thread while the truth is read here. `finally` waits for that
    # thread also if the truth is refused, so that no thread outlives the call.
    parsing = prefetch.take(results, "read_coco_results", with_masks=with_masks)
    try:
        file = read_truth(card, truth, with_masks=with_masks) if isinstance(truth, Path) else truth
    finally:
        parsed = parsing.result()
    detections = _results(card, results, file, parsed, with_masks=with_masks)
    return (file, detections) if numbers is None else select(file, detections, numbers)


def read_truth(card: Card, path: Path, *, with_masks: bool = True) -> TruthFile:
    """Read the images and objects of a truth file; without masks only boxes and areas are read,
    which is faster.

    Objects of classes that are not scored are left out.

    Raises:
        DataError: whatever `coco_instances.truth` refuses.
    """
    parsed = prefetch.take(path, "read_coco_truth", with_masks=with_masks).result()
    file = None if parsed is None else _usual_truth(card, path, *parsed)
    return coco_unusual.truth(card, path, with_masks=with_masks) if file is None else file


def read_usual_truth(card: Card, path: Path) -> TruthFile | None:
    """Read a truth file with masks if that was begun, else without; None where it takes the slow
    way.

    Raises:
        DataError: categories that contradict the card.
    """
    with_masks = prefetch.is_begun(path, "read_coco_truth", with_masks=True)
    parsed = prefetch.take(path, "read_coco_truth", with_masks=with_masks).result()
    return None if parsed is None else _usual_truth(card, path, *parsed)


def read_results(
    card: Card, path: Path, truth: TruthFile, *, with_masks: bool = True
) -> DetectionColumns:
    """Read a results file on the images of `truth`, in the order of the file.

    Boxes are the file's where its first result has one, else those around the masks.

    Raises:
        PredictionError: whatever `coco_instances.results` refuses.
    """
    parsed = prefetch.take(path, "read_coco_results", with_masks=with_masks).result()
    return _results(card, path, truth, parsed, with_masks=with_masks)


def select(
    file: TruthFile, results: DetectionColumns, numbers: Sequence[Number]
) -> tuple[TruthFile, DetectionColumns]:
    """Keep the images with these ids, in this order, with their objects."""
    index_of = {number: index for index, number in enumerate(file.numbers)}
    chosen = [index_of[number] for number in numbers]
    # From the position in the file to the position among the chosen images; -1 for the others, so
    # that one lookup both filters the objects and renumbers their images:
    #   ids in the file [7, 8, 9], ids chosen [9, 7]  ->  position [1, -1, 0]
    position = np.full(len(index_of), -1, dtype=np.int32)
    position[chosen] = np.arange(len(chosen))
    images = len(chosen)
    listed = [file.images[index] for index in chosen]
    objects = _picked(file.columns, position, images)
    detections = _picked(results, position, images)
    return TruthFile(listed, replace(objects, sizes=coco_unusual.sizes_of(listed))), detections


def _picked(columns: Columns, position: Array, images: int) -> Columns:
    """The objects of the images that have a new `position` (N,) of 0 or more."""
    kept = position[columns.image] >= 0
    return kept_objects(columns, kept, images=images, image=position[columns.image[kept]])


def kept_objects(columns: Columns, kept: Array | slice, **changes: Any) -> Columns:
    """The objects that are marked in `kept` (G,) bool, with other columns in place of some."""
    names = ("image", "classes", "boxes", "areas", "crowd", "scores", "numbers", "marks")
    there = {
        name: column[kept] for name in names if (column := getattr(columns, name, None)) is not None
    }
    return replace(columns, **{**there, "runs": kept_runs(columns.runs, kept), **changes})


def _usual_truth(card: Card, path: Path, data: bytes, fields: dict[str, Any]) -> TruthFile | None:
    """Check and number what the compiled reader found; None where that takes the slow way."""
    try:
        images = msgspec.json.decode(data[slice(*fields["images"])], type=list[ImageEntry])
        categories = msgspec.json.decode(data[slice(*fields["categories"])], type=list[Category])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    coco_json.check_categories(categories, card, path)
    # pycocotools goes through images by ascending id; equal scores are ranked in that order.
    images.sort(key=lambda entry: entry.id)
    image = places_of(fields["image_id"], [entry.id for entry in images])
    classes, scored = _train_ids(card, fields["category_id"])
    runs = runs_of(fields)
    areas, boxes = fields["areas"], fields["boxes"]
    if runs is not None:
        areas = np.where(np.isnan(areas), kernels.run_areas(runs.offsets, runs.lengths), areas)
        boxes = _boxes(boxes, np.isnan(boxes[:, 0]), runs)
    # The slow reader reports unknown areas, and boxes outside every image, object by object.
    if image is None or classes is None or np.isnan(areas).any() or _beyond(boxes):
        return None
    columns = TruthColumns(
        images=len(images),
        image=image,
        classes=classes,
        boxes=boxes,
        areas=areas.astype(np.float64, copy=False),
        crowd=fields["crowd"].astype(bool),
        runs=runs,
        numbers=fields["numbers"],
        marks=fields["marks"] if runs is not None else None,
        sizes=coco_unusual.sizes_of(images),
    )
    masks = not len(image) or coco_masks.any_in(data)
    file = TruthFile(
        images, columns if isinstance(scored, slice) else kept_objects(columns, scored), masks
    )
    return coco_unusual.noting_shared_ids(file)


def _results(
    card: Card, path: Path, truth: TruthFile, parsed: Parsed, *, with_masks: bool
) -> DetectionColumns:
    columns = None
    if parsed is not None and agreeing(parsed, truth.files):
        columns = _usual_results(card, truth, parsed[1])
    return (
        coco_unusual.results(card, path, truth, with_masks=with_masks)
        if columns is None
        else columns
    )


def _usual_results(card: Card, truth: TruthFile, fields: dict[str, Any]) -> DetectionColumns | None:
    image = places_of(fields["image_id"], list(truth.numbers))
    classes, scored = _train_ids(card, fields["category_id"])
    if image is None or classes is None:
        return None
    runs, boxes, tight = runs_of(fields), fields["boxes"], False
    if _beyond(boxes):
        return None
    if runs is not None:
        sizes = np.array(
            [(entry.height, entry.width) for entry in truth.images], dtype=np.int64
        ).reshape(-1, 2)
        if not np.array_equal(
            sizes[image], np.stack([fields["heights"], fields["widths"]], axis=1)
        ):
            return None
        missing = np.isnan(boxes[:, 0])
        tight = not len(missing) or bool(missing[0])
        boxes = _boxes(boxes, np.ones(len(missing), dtype=bool) if tight else missing, runs)
    columns = DetectionColumns(
        images=len(truth.images),
        image=image,
        classes=classes,
        scores=fields["scores"],
        boxes=boxes,
        runs=runs,
        numbers=np.arange(len(image)),
        tight=tight,
    )
    return columns if isinstance(scored, slice) else kept_objects(columns, scored)


def _beyond(boxes: Array) -> bool:
    """Whether a box is outside every image; NaN means that there is no box."""
    return bool((np.abs(boxes) > coco_instances.FARTHEST).any())


class _Named(msgspec.Struct, gc=False):
    image_id: Number
    file_name: Any = None


def agreeing(parsed: tuple[bytes, dict[str, Any]], files: Mapping[Number, str]) -> bool:
    """Whether file names in the results, if any, agree with the image ids (ultralytics writes
    both).
    """
    data, fields = parsed
    if not fields["names_pictures"]:
        return True
    try:
        image_ids.check_names(
            msgspec.json.decode(data, type=list[_Named]), image_ids.Pictures(files), ""
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, PredictionError):
        return False
    return True


def places_of(numbers: Array, ascending: Sequence[Number]) -> Array | None:
    """Positions of image ids in `ascending` ids; (D,) int32, or None where one is unknown."""
    if not {*map(type, ascending)} <= {int}:
        return None
    try:
        ids = np.array(ascending, dtype=np.int64)
    except OverflowError:
        return None
    if not len(ids):
        return None if len(numbers) else np.zeros(0, dtype=np.int32)
    indices = np.minimum(np.searchsorted(ids, numbers), len(ids) - 1).astype(np.int32)
    return indices if np.array_equal(ids[indices], numbers) else None


def _train_ids(card: Card, categories: Array) -> tuple[Array | None, Array | slice]:
    """Train ids (D,) int32 of categories, None where one is unknown, and which of them are
    scored.
    """
    train_ids = coco_json.train_ids(card)
    last = max(train_ids, default=-1)
    if last > _LARGEST or (
        len(categories) and not 0 <= int(categories.min()) <= int(categories.max()) <= last
    ):
        return None, slice(None)
    table = np.full(last + 1, -2, dtype=np.int32)
    for number, train_id in train_ids.items():
        if number >= 0:
            table[number] = -1 if train_id is None else train_id
    train = table[categories]
    lowest = int(train.min(initial=0))
    return None if lowest == -2 else train, slice(None) if lowest >= 0 else train >= 0


def runs_of(fields: dict[str, Any]) -> Runs | None:
    """The masks that the compiled reader found; None where it was asked for boxes only."""
    if "offsets" not in fields:
        return None
    return Runs(fields["offsets"], fields["lengths"], fields["heights"])


def _boxes(boxes: Array, missing: Array, runs: Runs) -> Array:
    if not missing.any():
        return boxes
    tight = kernels.run_boxes(runs.offsets, runs.lengths, runs.heights)
    return np.where(missing[:, None], tight, boxes)


def kept_runs(runs: Runs | None, kept: Array | slice) -> Runs | None:
    """Those of the masks that are marked in `kept` (G,) bool."""
    if runs is None or isinstance(kept, slice) or bool(kept.all()):
        return runs
    counts = np.diff(runs.offsets)
    offsets = np.concatenate([[0], np.cumsum(counts[kept])]).astype(np.int64)
    return Runs(offsets, runs.lengths[np.repeat(kept, counts)], runs.heights[kept])
