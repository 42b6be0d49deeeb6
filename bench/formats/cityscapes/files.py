"""What the files of Cityscapes mean: instance ids (label id * 1000 + n), and disparity with its
camera.

An id below 1000 is a label id: of a class that is not countable, or of a countable one where
objects were not kept apart, which is a crowd. It knows one file at a time, no folders.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from bench import images, kernels
from bench.classes import Classes
from bench.errors import DataError
from bench.formats.coco import json_files as coco_json
from bench.formats.objects import derive
from bench.samples import Array, LabelMap, Sample, Segments

OBJECTS = 1000
"""Label ids are multiplied by this in instance ids."""
_LARGEST = 65535  # of 16 bits
BASELINE = 0.209
"""Metres between the two cameras, for depth that is written."""


class _Extrinsic(msgspec.Struct):
    baseline: float


class _Intrinsic(msgspec.Struct):
    fx: float


class _Camera(msgspec.Struct):
    extrinsic: _Extrinsic
    intrinsic: _Intrinsic


def read_segments(classes: Classes, path: Path) -> Segments:
    """Read an instanceIds file; segment ids are the file's, and labels that are not scored are
    void.

    Raises:
        DataError: a damaged file, or an id of no label of the card.
    """
    return _segments(classes, path, images.read_labels(path))


def read_segments_and_void(classes: Classes, path: Path) -> tuple[Segments, Array]:
    """Read an instanceIds file as `read_segments` does, and which of its pixels are void to
    Cityscapes' instance AP.

    Those, (H, W) bool, are of labels that are not scored or of the card's `void`; single objects of
    such labels (caravans, 29001) are not void.

    Raises:
        DataError: as `read_segments`.
    """
    raw = images.read_labels(path)
    table = np.zeros(_LARGEST + 1, dtype=np.int32)
    table[
        [
            entry.id
            for entry in classes.entries
            if entry.train_id is None and 0 <= entry.id <= _LARGEST
        ]
    ] = 1
    table[list(classes.void)] = 1
    return _segments(classes, path, raw), kernels.map_labels(raw, table, np.uint8).view(np.bool_)


def _segments(classes: Classes, path: Path, raw: Array) -> Segments:
    values = np.flatnonzero(kernels.value_counts(raw))
    entries = {entry.id: entry for entry in classes.entries}
    # Id 0 means void in a panoptic map: where the card scores label 0, all ids move up by one.
    shift = int(0 in entries and entries[0].train_id is not None)
    rows: list[tuple[int, int, bool]] = []
    for value in values.tolist():
        label = value // OBJECTS if value >= OBJECTS else value
        entry = entries.get(label)
        if entry is None and value not in classes.void:
            raise DataError(
                f"{path}: instance id {value} belongs to label {label}, which is not in the card"
            )
        if entry is not None and entry.train_id is not None:
            rows.append((value, entry.train_id, value < OBJECTS and entry.thing))
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    table = np.zeros(int(values.max(initial=0)) + 1, dtype=np.int32)
    table[columns[:, 0]] = columns[:, 0] + shift
    ids = kernels.map_labels(raw, table, np.uint16) if table.max() <= _LARGEST else table[raw]
    return Segments(ids, columns[:, 0] + shift, columns[:, 1], columns[:, 2].astype(bool))


def segments_of(sample: Sample, labels: Array, classes: Classes) -> Segments | None:
    """The segments of a sample, derived from its objects and labels where it has none; None without
    objects.
    """
    if sample.truth.read_segments is not None:
        return sample.truth.segments()
    if sample.truth.read_instances is None:
        return None
    return derive.segments_from_instances(
        LabelMap(labels), sample.truth.instances(), classes, where=sample.id
    )


def instance_ids(segments: Segments, classes: Classes, *, where: str) -> Array:
    """The instance ids of a panoptic map, (H, W) uint16; objects are numbered from 0 by class and
    segment id.

    Raises:
        DataError: more than 1000 objects of a class, or a label id that leaves no room for them.
    """
    table = np.full(len(segments.segment_ids) + 1, classes.void_id, dtype=np.int64)
    seen: dict[int, int] = {}
    for index in np.lexsort((segments.segment_ids, segments.classes)).tolist():
        entry = classes.scored[int(segments.classes[index])]
        if segments.crowd[index] or not entry.thing:
            table[index + 1] = entry.id
            continue
        number = seen.get(entry.id, 0)
        seen[entry.id] = number + 1
        table[index + 1] = entry.id * OBJECTS + number
        if number >= OBJECTS or not OBJECTS <= int(table[index + 1]) < 1 << 16:
            raise DataError(
                f"{where}: object {number} of {entry.name} (id {entry.id}) has no 16-bit "
                "instance id"
            )
    return table.astype(np.uint16)[derive.positions(segments.ids, segments.segment_ids)]


def read_depth(disparity: Path, camera: Path) -> Array:
    """Read distances in metres, (H, W) float32, NaN where the disparity is invalid or zero.

    A stored p means a disparity of (p - 1) / 256 pixels; p = 0 is invalid.

    Raises:
        DataError: files that are missing or damaged, or a camera without baseline and fx.
    """
    stored = images.read_labels(disparity)
    described = coco_json.load(camera, _Camera)
    reach = described.intrinsic.fx * described.extrinsic.baseline * 256
    return np.where(
        stored > 1, reach / np.maximum(stored.astype(np.float64) - 1, 1), np.nan
    ).astype(np.float32)


def write_depth(disparity: Path, camera: Path, metres: Array) -> None:
    """Write distances, (H, W) with NaN where unknown, as disparity, with the camera of Cityscapes
    at this image size.

    Raises:
        DataError: files that cannot be written.
    """
    height, width = metres.shape
    focal = 226252 * 16 * width // (2048 * 100) / 16
    measured = np.isfinite(metres) & (metres > 0)
    codes = np.rint(focal * BASELINE * 256 / np.where(measured, metres, 1.0).astype(np.float64)) + 1
    images.write_labels(
        disparity, np.where(measured, np.clip(codes, 1, 65535), 0).astype(np.uint16)
    )
    extrinsic = {
        "baseline": BASELINE,
        "pitch": 0.0,
        "roll": 0.0,
        "x": 1.7,
        "y": 0.0,
        "yaw": 0.0,
        "z": 1.25,
    }
    intrinsic = {
        "fx": focal,
        "fy": focal,
        "u0": float(width // 2),
        "v0": float(462 * height // 1024),
    }
    coco_json.write(camera, {"extrinsic": extrinsic, "intrinsic": intrinsic})
