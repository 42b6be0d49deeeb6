"""Panoptic maps of truth and prediction read together, several images at a time: what their
segments share, no map.

This is the fast path for files without any problem. Everything unusual or wrong is left to
`panoptic`, which reads one map at a time and reports what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import images
from bench.cards import Card
from bench.formats import PredictionReader
from bench.formats.coco import json_files as coco_json
from bench.formats.coco.json_files import SegmentEntry
from bench.formats.coco.panoptic import Predictions, TruthFile
from bench.samples import Array, Sample
from bench.samples.columns import IMAGE_SHIFT, SEGMENT_BITS, SegmentColumns, SegmentPairs


def read(
    card: Card, predictions: PredictionReader, samples: Sequence[Sample]
) -> SegmentPairs | None:
    """Read what the segments of some images share; None where they have to be read one after the
    other.

    Reasons are files that are missing, damaged, of different sizes, or not plain PNGs of 8-bit RGB;
    ids that only the PNG or only the JSON names; and classes that are not scored.
    """
    truths = [sample.truth.read_segments for sample in samples]
    files = [truth for truth in truths if isinstance(truth, TruthFile)]
    if not isinstance(predictions, Predictions) or len(files) < len(samples):
        return None
    entries = [entry for entry in map(predictions.entry, samples) if entry is not None]
    if len(entries) < len(samples):
        return None
    guesses = [predictions.png(entry) for entry in entries]
    pixels = _pixels(files, guesses)
    truth = _columns(card, [file.entries for file in files])
    guessed = _columns(card, [entry.segments_info for entry in entries])
    if pixels is None or truth is None or guessed is None:
        return None
    if not (_named(truth, pixels[:, 0]) and _named(guessed, pixels[:, 1])):
        return None
    return SegmentPairs(truth, guessed, pixels)


def _pixels(files: Sequence[TruthFile], guesses: Sequence[Path]) -> Array | None:
    """The pixels that ids share, (P, 3), with the place of the image in front of each id."""
    pixels = []
    for index, (file, guess) in enumerate(zip(files, guesses, strict=True)):
        shared = images.read_pairs(file.png, guess, colors=True)
        if shared is None or shared[1] != file.size:
            return None
        shared[0][:, :2] |= index << IMAGE_SHIFT
        pixels.append(shared[0])
    return np.concatenate(pixels)


def _columns(card: Card, listed: Sequence[Sequence[SegmentEntry]]) -> SegmentColumns | None:
    """The segments that the JSON lists of each image; None with ids or classes that none of them
    can have.
    """
    entries = [entry for segments in listed for entry in segments]
    table = coco_json.train_ids(card)
    classes = [table.get(entry.category_id) for entry in entries]
    if None in classes or not all(0 < entry.id < SEGMENT_BITS for entry in entries):
        return None
    image = np.repeat(
        np.arange(len(listed), dtype=np.int64), [len(segments) for segments in listed]
    )
    # One integer names a segment across images: the image in the upper bits, its id in the lower
    # ones. Sorted keys can then be compared and searched without a loop over images.
    keys = image << IMAGE_SHIFT | np.array([entry.id for entry in entries], dtype=np.int64)
    order = np.argsort(keys)
    claimed = [np.nan if entry.area is None else entry.area for entry in entries]
    return SegmentColumns(
        keys=keys[order],
        classes=np.array(classes, dtype=np.int64)[order],
        crowd=np.array([entry.iscrowd for entry in entries], dtype=bool)[order],
        claimed=np.array(claimed, dtype=np.float64)[order],
    )


def _named(segments: SegmentColumns, keys: Array) -> bool:
    """Whether the ids of the maps, except void, are those of the JSON, each listed once."""
    used = np.sort(keys[keys & SEGMENT_BITS != 0])
    once = np.append(True, used[1:] != used[:-1])[: len(used)]  # np.unique loads numpy.ma
    return np.array_equal(segments.keys, used[once])
