"""Panoptic maps in COCO form: an RGB PNG of segment ids and a JSON file that gives them classes.

Ids and JSON must name the same segments, in the truth as in predictions: panopticapi checks only the latter, and counts
what is missing in the truth for or against the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import images, masks
from bench.errors import DataError, PredictionError
from bench.formats import coco_json, derive, folders
from bench.formats.coco_json import Number, PanopticAnnotation, PanopticResults, SegmentEntry
from bench.samples import Array, Sample, Segments

if TYPE_CHECKING:
    from bench.cards import Card


def read_segments(
    card: Card, png: Path, entries: list[SegmentEntry], *, wrong: coco_json.Wrong = DataError
) -> Segments:
    """Read one panoptic map; truth segments of classes that are not scored become void.

    Raises:
        DataError, PredictionError (as `wrong`): ids of the PNG that the JSON lacks or the reverse, an id twice or 0, an
            unknown category, or for predictions one that is not scored.
    """
    try:
        ids, found = images.read_panoptic_ids(png)
    except DataError as error:
        raise wrong(str(error)) from None
    numbers = np.array([entry.id for entry in entries], dtype=np.int64)
    # Files that are right are told by one comparison; what is wrong with the others is found out after it.
    if not np.array_equal(np.sort(numbers), found[found[:, 0] > 0, 0]):
        _check_numbers(numbers, png, wrong)
        _check_pixels(ids, found[:, 0], numbers, png, wrong)
    table = coco_json.train_ids(card)
    unscored = [entry for entry in entries if table.get(entry.category_id) is None]
    for entry in unscored:
        if wrong is PredictionError or entry.category_id not in table:
            raise wrong(
                f"{png}: segment {entry.id} has category {entry.category_id}, which is no scored class of {card.name}"
            )
    keep = np.array([table[entry.category_id] is not None for entry in entries], dtype=bool)
    if not keep.all():
        ids = np.where(np.append(True, keep)[derive.positions(ids, numbers)], ids, 0)
    kept = [entry for entry, yes in zip(entries, keep, strict=True) if yes]
    return Segments(
        ids=ids,
        segment_ids=numbers[keep],
        classes=np.array([table[entry.category_id] for entry in kept], dtype=np.int64),
        crowd=np.array([bool(entry.iscrowd) for entry in kept], dtype=bool),
        claimed=np.array([np.nan if entry.area is None else entry.area for entry in kept], dtype=np.float64),
    )


def read_predictions(
    card: Card, path: Path, samples: Iterable[Sample], number_of: Callable[[Sample], Number]
) -> Callable[[Sample], Segments]:
    """Find the panoptic prediction of every sample: by image id or, where no entry has it, by file name.

    `path` is the JSON, with the PNGs in a folder of its name or beside it, or the folder that holds one JSON.

    Raises:
        PredictionError: samples without a prediction, PNGs that are missing; later, whatever `read_segments` refuses.
    """
    file, folder = locate(path)
    found = coco_json.load(file, PanopticResults, PredictionError).annotations
    by_number = {entry.image_id: entry for entry in found}
    by_stem = {_stem(entry.file_name): entry for entry in found}
    if len(by_number) != len(found):
        raise PredictionError(f"{file}: lists an image twice; each image has one panoptic prediction")

    def entry_of(sample: Sample) -> PanopticAnnotation | None:
        return by_number.get(number_of(sample)) or by_stem.get(sample.stem)

    missing = [sample.id for sample in samples if entry_of(sample) is None]
    if missing:
        raise PredictionError(f"{file}: has no prediction for {len(missing)} images ({folders.first(missing)})")

    def read(sample: Sample) -> Segments:
        entry = entry_of(sample)
        if entry is None:
            raise PredictionError(f"{file}: has no prediction for {sample.id}")
        return read_segments(card, folder / entry.file_name, entry.segments_info, wrong=PredictionError)

    return read


def locate(path: Path) -> tuple[Path, Path]:
    """The JSON and the folder of PNGs of a panoptic prediction.

    Raises:
        PredictionError: no JSON, or several.
    """
    file = single_json(path)
    folder = file.with_suffix("")
    return file, folder if folder.is_dir() else file.parent


def single_json(path: Path) -> Path:
    """The JSON at a path: the file itself, the only one in the folder, or the one beside the folder with its name.

    Raises:
        PredictionError: there is none, or several.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise PredictionError(f"{path}: there is no such file or folder")
    found = sorted(path.glob("*.json"))
    beside = path.parent / f"{path.name}.json"
    if not found and beside.is_file():
        return beside
    if len(found) != 1:
        names = ", ".join(file.name for file in found[:3]) or "none"
        raise PredictionError(f"{path}: needs exactly one JSON file, and holds {names}; name the JSON itself")
    return found[0]


def annotation(card: Card, number: Number, stem: str, segments: Segments, folder: Path) -> dict[str, Any]:
    """Write the PNG of one image into `folder` and return its entry for the JSON."""
    images.write_panoptic_ids(folder / f"{stem}.png", segments.ids)
    rles = masks.encode_ids(segments.ids, segments.segment_ids)
    areas, boxes = masks.areas(rles).astype(int).tolist(), masks.boxes(rles).astype(int).tolist()
    return {
        "image_id": number,
        "file_name": f"{stem}.png",
        "segments_info": [
            {
                "id": int(segments.segment_ids[place]),
                "category_id": card.classes.scored[int(segments.classes[place])].id,
                "iscrowd": int(segments.crowd[place]),
                "area": areas[place],
                "bbox": boxes[place],
            }
            for place in range(len(rles))
        ],
    }


def write_predictions(card: Card, path: Path, entries: Iterable[tuple[Number, str, Segments]]) -> None:
    """Write predictions, (image id, stem, segments) each: `path` is the JSON or a folder for panoptic.json and PNGs."""
    file = path if path.suffix == ".json" else path / "panoptic.json"
    rows = [annotation(card, number, stem, segments, file.with_suffix("")) for number, stem, segments in entries]
    coco_json.write(file, {"annotations": rows, "categories": coco_json.categories_of(card)}, PredictionError)


def _check_pixels(ids: Array, found: Array, numbers: Array, png: Path, wrong: coco_json.Wrong) -> None:
    """Refuse ids that are only in the map, where they are `found`, or only among the numbers of the JSON."""
    strays = np.setdiff1d(found, np.append(numbers, 0), assume_unique=True)
    if strays.size:
        first = int(ids.ravel()[np.isin(ids, strays).argmax()])
        raise wrong(f"{png}: segment id {first} is in the PNG and not in the JSON, which must name them all")
    empty = np.flatnonzero(~np.isin(numbers, found))
    if empty.size:
        raise wrong(f"{png}: segment id {int(numbers[empty[0]])} is in the JSON and has no pixel in the PNG")


def _check_numbers(numbers: Array, png: Path, wrong: coco_json.Wrong) -> None:
    values, counts = np.unique(numbers, return_counts=True)
    if values.size and not 0 < int(values[0]) <= int(values[-1]) < 1 << 24:
        raise wrong(f"{png}: the JSON names a segment {int(values[0])}; ids lie in 1 ... {(1 << 24) - 1}, 0 is void")
    if values.size and int(counts.max()) > 1:
        raise wrong(f"{png}: the JSON names segment {int(values[counts.argmax()])} twice")


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
