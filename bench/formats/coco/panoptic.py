"""Panoptic maps in COCO form: an RGB PNG of segment ids and a JSON file that gives them classes.

Ids and JSON must name the same segments, in the truth as in predictions: panopticapi checks only
predictions, and a segment that is missing in the truth changes the scores of the model there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import images, masks, plain_json
from bench.cards import Card
from bench.errors import DataError, PredictionError
from bench.formats.coco import json_files as coco_json
from bench.formats.coco import panoptic_entries
from bench.formats.coco.json_files import Number, PanopticAnnotation, PanopticResults, SegmentEntry
from bench.formats.finding import folders
from bench.formats.finding.image_ids import Pictures
from bench.formats.finding.listing import listing_of
from bench.formats.objects import derive
from bench.notices import Notice
from bench.samples import Array, Sample, Segments


def read_segments(
    card: Card, png: Path, entries: list[SegmentEntry], *, wrong: coco_json.Wrong = DataError
) -> Segments:
    """Read one panoptic map; truth segments of classes that are not scored become void.

    Raises:
        DataError, PredictionError (as `wrong`): ids of the PNG that the JSON lacks or the reverse,
            an id twice or 0, an unknown category, or for predictions one that is not scored.
    """
    try:
        ids, counts = images.read_panoptic_ids(png)
    except DataError as error:
        raise wrong(str(error)) from None
    numbers = _numbers(entries, png, wrong)
    # One comparison recognises files that are right; what is wrong with others is looked up
    # afterwards.
    if not np.array_equal(np.sort(numbers), counts[counts[:, 0] > 0, 0]):
        _check_pixels(ids, counts[:, 0], numbers, png, wrong)
    table = coco_json.train_ids(card)
    unscored = [entry for entry in entries if table.get(entry.category_id) is None]
    for entry in unscored:
        if wrong is PredictionError or entry.category_id not in table:
            used = (segment.category_id for segment in entries)
            hint = coco_json.places_hint(used, card) if wrong is PredictionError else ""
            raise wrong(
                f"{png}: segment {entry.id} has category {entry.category_id}, which is not a "
                f"scored class of {card.name}{hint}"
            )
    keep = np.array([table[entry.category_id] is not None for entry in entries], dtype=bool)
    if not keep.all():
        # `positions` is 0 for void and k + 1 for segment k, so void, in front, is always kept.
        ids = np.where(np.append(True, keep)[derive.positions(ids, numbers)], ids, 0)
    kept = [entry for entry, yes in zip(entries, keep, strict=True) if yes]
    return Segments(
        ids=ids,
        segment_ids=numbers[keep],
        classes=np.array([table[entry.category_id] for entry in kept], dtype=np.int64),
        crowd=np.array([bool(entry.iscrowd) for entry in kept], dtype=bool),
        claimed=np.array(
            [np.nan if entry.area is None else entry.area for entry in kept], dtype=np.float64
        ),
    )


@dataclass(frozen=True, eq=False)
class TruthFile:
    """The map of one image: its PNG, and what the JSON says of its segments and size; called, it
    reads them.
    """

    card: Card
    png: Path
    entries: list[SegmentEntry]
    size: tuple[int, int]

    def __call__(self) -> Segments:
        """Read the map.

        Raises:
            DataError: as `read_segments`, or another size than in the JSON.
        """
        segments = read_segments(self.card, self.png, self.entries)
        if segments.size != self.size:
            raise DataError(f"{self.png}: it is {segments.size}, but its JSON says {self.size}")
        return segments


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predicted maps of a JSON by sample id; called, it reads a sample's.

    `used` are the maps that the JSON names, `notices` what is odd in it.
    """

    card: Card
    file: Path
    folder: Path
    entries: Mapping[str, PanopticAnnotation]
    used: Collection[Path] = ()
    notices: tuple[Notice, ...] = ()

    def entry(self, sample: Sample) -> PanopticAnnotation | None:
        """What the JSON says of a sample."""
        return self.entries.get(sample.id)

    def __call__(self, sample: Sample) -> Segments:
        """Read the map.

        Raises:
            PredictionError: there is none, or as `read_segments`.
        """
        entry = self.entry(sample)
        if entry is None:
            raise PredictionError(f"{self.file}: has no prediction for {sample.id}")
        return read_segments(self.card, self.png(entry), entry.segments_info, wrong=PredictionError)

    def png(self, entry: PanopticAnnotation) -> Path:
        """The map of an entry."""
        return folders.named_below(self.folder, entry.file_name)


def read_predictions(
    card: Card, path: Path, samples: Sequence[Sample], number_of: Callable[[Sample], Number]
) -> Predictions:
    """Find the panoptic prediction of every sample: by image id for all, or by another name for
    all.

    `path` is the JSON, with the PNGs in a folder of its name or beside it, or the folder that holds
    one JSON.

    Raises:
        PredictionError: samples without a prediction, entries that contradict themselves; later,
            whatever `read_segments` refuses.
    """
    file, folder = locate(path)
    annotations = coco_json.load(file, PanopticResults, PredictionError).annotations
    needed = {number_of(sample): sample.id for sample in samples}
    listed = listing_of(samples).files
    files = listed if needed.keys() <= listed.keys() else needed
    placed, notices = panoptic_entries.place(annotations, Pictures(files), needed, str(file))
    entries = {name: placed[number] for number, name in needed.items()}
    used = frozenset(folders.named_below(folder, entry.file_name) for entry in annotations)
    return Predictions(card, file, folder, entries, used, notices)


def locate(path: Path) -> tuple[Path, Path]:
    """The JSON and the folder of PNGs of a panoptic prediction.

    Raises:
        PredictionError: no JSON, or several.
    """
    file = single_json(path)
    folder = file.with_suffix("")
    return file, folder if folder.is_dir() else file.parent


def single_json(path: Path) -> Path:
    """The JSON at a path: the file itself, the only one in the folder, or the one beside the folder
    with its name.

    Raises:
        PredictionError: there is none, or several.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise PredictionError(f"{path}: there is no such file or folder")
    files = plain_json.files_in(path)
    beside = path.parent / f"{path.name}.json"
    if not files and beside.is_file():
        return beside
    if len(files) != 1:
        names = ", ".join(file.name for file in files[:3]) or "none"
        raise PredictionError(
            f"{path}: exactly one JSON file is expected, but it holds {names}; pass the JSON "
            "file itself"
        )
    return files[0]


def annotation(
    card: Card, number: Number, stem: str, segments: Segments, folder: Path
) -> dict[str, Any]:
    """Write the PNG of one image into `folder` and return its entry for the JSON."""
    images.write_panoptic_ids(folder / f"{stem}.png", segments.ids)
    rles = masks.encode_ids(segments.ids, segments.segment_ids)
    areas, boxes = masks.areas(rles).astype(int).tolist(), masks.boxes(rles).astype(int).tolist()
    return {
        "image_id": number,
        "file_name": f"{stem}.png",
        "segments_info": [
            {
                "id": int(segments.segment_ids[index]),
                "category_id": card.classes.scored[int(segments.classes[index])].id,
                "iscrowd": int(segments.crowd[index]),
                "area": areas[index],
                "bbox": boxes[index],
            }
            for index in range(len(rles))
        ],
    }


def write_predictions(
    card: Card, path: Path, entries: Iterable[tuple[Number, str, Segments]]
) -> None:
    """Write predictions, (image id, stem, segments) each: `path` is the JSON or a folder for
    panoptic.json and PNGs.
    """
    file = path if path.suffix == ".json" else path / "panoptic.json"
    rows = [
        annotation(card, number, stem, segments, file.with_suffix(""))
        for number, stem, segments in entries
    ]
    coco_json.write(
        file, {"annotations": rows, "categories": coco_json.categories_of(card)}, PredictionError
    )


def _check_pixels(
    ids: Array, drawn: Array, numbers: Array, png: Path, wrong: coco_json.Wrong
) -> None:
    """Refuse ids that only the map has, which are `drawn`, or only the numbers of the JSON."""
    strays = np.setdiff1d(drawn, np.append(numbers, 0), assume_unique=True)
    if strays.size:
        first = int(ids.ravel()[np.isin(ids, strays).argmax()])
        raise wrong(
            f"{png}: segment id {first} is in the PNG but not in the JSON, which must list "
            "every segment"
        )
    empty = np.flatnonzero(~np.isin(numbers, drawn))
    if empty.size:
        raise wrong(
            f"{png}: segment id {int(numbers[empty[0]])} is in the JSON but has no pixel in the PNG"
        )


def _numbers(entries: Sequence[SegmentEntry], png: Path, wrong: coco_json.Wrong) -> Array:
    """The ids of the segments; each occurs once and fits into the 24 bits of a pixel."""
    seen: set[int] = set()
    for entry in entries:
        if not 0 < entry.id < 1 << 24:
            raise wrong(
                f"{png}: the JSON lists segment {entry.id}; ids are 1 to {(1 << 24) - 1}, 0 is void"
            )
        if entry.id in seen:
            raise wrong(f"{png}: the JSON lists segment {entry.id} twice")
        seen.add(entry.id)
    return np.array([entry.id for entry in entries], dtype=np.int64)
