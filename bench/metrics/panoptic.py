"""Panoptic quality: PQ, SQ and RQ from tables of matched segments, for any weights over images.

The same scores follow from the tables `segments` (PQ) and `boundary_segments` (Boundary PQ); counting is in
`segments.py`. Which images a row of weights repeats or leaves out, and why, this module must not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bench.classes import Classes
from bench.metrics.pixels import weigh
from bench.metrics.rates import Held, class_mean, ratio
from bench.metrics.segments import boundary_distance, count, count_pairs
from bench.metrics.semantic import SILENT, ClassesIn
from bench.samples import Array, Table

__all__ = [
    "OVERALL",
    "PER_CLASS",
    "TABLES",
    "PanopticScores",
    "boundary_distance",
    "count",
    "count_pairs",
    "leave_out",
    "per_image",
    "score",
    "scored_classes",
    "truth_rows",
]

PER_CLASS = ("PQ", "SQ", "RQ")
OVERALL = tuple(name + group for group in ("", "_th", "_st") for name in PER_CLASS)
TABLES = {"panoptic": "segments", "panoptic_boundary": "boundary_segments"}
"""The table that each group of scores follows from."""

_IMAGES, _ROWS = 4096, 1024
"""Images and rows of weights taken at once: beside weights and results, scoring holds 5 C (4096 + 1024) numbers."""
_STEP = 1 << 26


@dataclass(frozen=True, eq=False)
class PanopticScores:
    """Scores in [0, 1] for B rows of weights, NaN where undefined; `scores["PQ_th"]` finds an overall score.

    `overall` maps the names in `OVERALL` to (B,): over all classes, things (`_th`) and stuff (`_st`); `per_class` those
    in `PER_CLASS` to (B, C). `scored` (C,) says which classes the means run over; `held` (C,) which of them
    `leave_out` holds at their plain value, and `parts` is as in `semantic.SemanticScores`.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    scored: Array
    held: Array
    parts: Mapping[str, tuple[str, Array]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Array:
        """Find an overall score by its name, (B,)."""
        return self.overall[name]


@dataclass(frozen=True, eq=False)
class _Sums:
    """Weighted sums of a table, (B, 5 C): tp, fp, fn, and the IoU in two parts that add up without rounding."""

    columns: Array

    def _part(self, index: int) -> Array:
        width = self.columns.shape[1] // 5
        return self.columns[:, index * width : (index + 1) * width]

    @property
    def tp(self) -> Array:
        """Matched pairs, (B, C)."""
        return self._part(0)

    @property
    def truth(self) -> Array:
        """True segments, (B, C)."""
        return self._part(0) + self._part(2)

    @property
    def segments(self) -> Array:
        """The mean number of true and predicted segments, (B, C)."""
        return self._part(0) + 0.5 * self._part(1) + 0.5 * self._part(2)

    @property
    def iou(self) -> Array:
        """IoU of the matched pairs, (B, C)."""
        return self._part(3) + self._part(4)


def scored_classes(counts: Table, classes: Classes, classes_in: ClassesIn = "union") -> Array:
    """Say which classes a mean runs over, (C,) bool: those in the truth, in truth or prediction, or all."""
    return _scored(_plain(counts, classes), classes_in)


def score(
    counts: Table,
    weights: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "union",
    scored: Array | None = None,
) -> PanopticScores:
    """Score N images under B rows of weights, (B, N), from a table `segments` or `boundary_segments`.

    PQ = sum of IoU / (tp + fp / 2 + fn / 2), SQ = sum of IoU / tp (0 where segments exist and none matches), RQ = tp /
    (tp + fp / 2 + fn / 2); PQ = SQ x RQ. Means run over `scored_classes` of the plain counts (or `scored`, which two
    runs of a comparison share), by default those of panopticapi: in the truth or predicted. A class whose truth has no
    weight in a row is left out of that row's means.

    >>> from bench.classes import Class
    >>> classes = Classes((Class(0, "sky", 0), Class(1, "car", 1, thing=True)))
    >>> columns = {"image": [0, 0], "class": [0, 1], "iou_sum": [0.75, 0.0], "tp": [1, 0], "fp": [1, 0], "fn": [0, 1]}
    >>> scores = score({name: np.array(column) for name, column in columns.items()}, np.ones((1, 1)), classes)
    >>> scores.per_class["PQ"].tolist(), scores["PQ"].tolist(), scores["PQ_st"].tolist()
    ([[0.5, 0.0]], [0.25], [0.5])
    """
    plain = _plain(counts, classes)
    scored = _scored(plain, classes_in) if scored is None else scored
    blocks = [
        _scores(_weighted(counts, weights[start : start + _ROWS], classes), plain, scored, classes, classes_in)
        for start in range(0, max(len(weights), 1), _ROWS)
    ]
    return blocks[0] if len(blocks) == 1 else _joined(blocks)


def per_image(counts: Table, images: int, classes: Classes, *, classes_in: ClassesIn = "union") -> PanopticScores:
    """Score each of N = `images` images alone: B = N, as `score` with the identity for weights."""
    plain = _plain(counts, classes)
    sums = _Sums(_add_up(counts, counts["image"], images, classes))
    return _scores(sums, plain, _scored(plain, classes_in), classes, classes_in)


def leave_out(
    counts: Table,
    clusters: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "union",
    scored: Array | None = None,
) -> PanopticScores:
    """Score with each cluster left out in turn, B = K, as total minus part; `clusters` (N,) numbers them 0 .. K-1.

    A class whose truth fewer than 3 clusters carry is `held`, as in `semantic.leave_out`: its own scores are NaN, and
    in the means every row takes its plain value. Where all scored classes of a mean are held, the mean is NaN.
    """
    plain = _plain(counts, classes)
    parts = _add_up(counts, clusters[counts["image"]], int(clusters.max(initial=-1)) + 1, classes)
    scored = _scored(plain, classes_in) if scored is None else scored
    carriers = (_Sums(parts).truth > 0).sum(axis=0)
    found = _scores(_Sums(plain.columns - parts), plain, scored, classes, classes_in, silent=carriers < SILENT)
    groups = [(suffix, np.where(scored & group, carriers, -1)) for suffix, group in _groups(classes)]
    return replace(found, parts={name + suffix: (name, part) for suffix, part in groups for name in PER_CLASS})


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The truth's own rows: image, class, crowd and pixels of every true segment, as int64, whatever was predicted."""
    return {name: np.asarray(column, dtype=np.int64) for name, column in tables["truth_segments"].items()}


def _add_up(counts: Table, place: Array, places: int, classes: Classes) -> Array:
    """Sum the rows of the table by `place`, (places, 5 C)."""
    cells = place.astype(np.int64) * len(classes) + counts["class"]
    high = np.floor(counts["iou_sum"] * _STEP) / _STEP
    columns = (counts["tp"], counts["fp"], counts["fn"], high, counts["iou_sum"] - high)
    sums = [np.bincount(cells, weights=column, minlength=places * len(classes)) for column in columns]
    return np.concatenate([each.reshape(places, len(classes)) for each in sums], axis=1).astype(np.float64)


def _weighted(counts: Table, weights: Array, classes: Classes) -> _Sums:
    """Weigh a block of images at a time: whole weights give exact sums, others sums in the order of the images."""
    sums = np.zeros((len(weights), 5 * len(classes)))
    images = weights.shape[1]
    for start in range(0, images, _IMAGES):
        stop = min(start + _IMAGES, images)
        rows = slice(*np.searchsorted(counts["image"], [start, stop]))
        block = {name: column[rows] for name, column in counts.items()}
        sums += weigh(weights[:, start:stop], _add_up(block, block["image"] - start, stop - start, classes))
    return _Sums(sums)


def _plain(counts: Table, classes: Classes) -> _Sums:
    return _Sums(_add_up(counts, np.zeros(len(counts["class"]), dtype=np.int64), 1, classes))


def _scored(plain: _Sums, classes_in: ClassesIn) -> Array:
    if classes_in == "all":
        return np.ones(plain.tp.shape[1], dtype=bool)
    return np.asarray((plain.truth[0] if classes_in == "truth" else plain.segments[0]) > 0)


def _scores(
    sums: _Sums,
    plain: _Sums,
    scored: Array,
    classes: Classes,
    classes_in: ClassesIn,
    *,
    silent: Array | None = None,
) -> PanopticScores:
    silent = np.zeros_like(scored) if silent is None else silent
    rates, plain_rates = _rates(sums), _rates(plain)
    counted, plain_counted = (_counted(each, plain, scored, classes_in) for each in (sums, plain))
    overall = {}
    for suffix, group in _groups(classes):
        for name, rate in rates.items():
            held = Held(scored & silent & group, plain_rates[name], plain_counted & group)
            overall[name + suffix] = class_mean(rate, counted & group, held, scored=scored & group)
    return PanopticScores(
        overall,
        {name: np.where(silent, np.nan, rate) for name, rate in rates.items()},
        scored=scored,
        held=scored & silent,
    )


def _groups(classes: Classes) -> tuple[tuple[str, Array], ...]:
    """Endings of the names of means, and the classes (C,) that each runs over."""
    return ("", np.ones(len(classes), dtype=bool)), ("_th", classes.things), ("_st", ~classes.things)


def _rates(sums: _Sums) -> dict[str, Array]:
    segments = sums.segments
    quality = np.where((sums.tp == 0) & (segments > 0), 0.0, ratio(sums.iou, sums.tp))
    return {"PQ": ratio(sums.iou, segments), "SQ": quality, "RQ": ratio(sums.tp, segments)}


def _counted(sums: _Sums, plain: _Sums, scored: Array, classes_in: ClassesIn) -> Array:
    """Which classes enter the means of each row, (B, C)."""
    present = np.where(plain.truth > 0, sums.truth > 0, sums.segments > 0)
    if classes_in == "all":
        # Nothing is known of a class that is nowhere: it makes the mean NaN, as in the mean IoU of VOC.
        present = present | (plain.segments == 0)
    return np.asarray(scored & present)


def _joined(blocks: list[PanopticScores]) -> PanopticScores:
    def join(parts: Callable[[PanopticScores], Mapping[str, Array]]) -> dict[str, Array]:
        return {name: np.concatenate([parts(block)[name] for block in blocks]) for name in parts(blocks[0])}

    joined = join(lambda block: block.overall), join(lambda block: block.per_class)
    return PanopticScores(*joined, scored=blocks[0].scored, held=blocks[0].held)
