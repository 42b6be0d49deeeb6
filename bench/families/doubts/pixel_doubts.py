"""Signs that label maps were read in another way than they were meant: label space, order of
classes, and void.

Only counts are looked at; `label_space.py` says when another reading is suspected.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.classes import Classes
from bench.families.contract.rules import Source
from bench.families.doubts import reading_words
from bench.families.doubts.never_predicted import never_predicted
from bench.metrics import label_space, pixels, semantic
from bench.metrics.label_space import UNKNOWN, Votes
from bench.notices import Notice, few
from bench.samples import Array, Table

VOID_SHARE = 0.01
"""A smaller share of void is normal: it is the borders of objects."""
VOID_TAKEN = 0.25
"""A class that the truth lacks may have been read as void if it is predicted on this share of void,
mostly there.
"""
VOID_TAKEN_OF_MANY = 0.75
"""The same where the truth lacks other classes too: few images show few classes, and void may be a
hard object.
"""
UNSCORED_SHARE = 0.05
"""A larger share of pixels predicted as unscored labels is reported: as a note, beyond one half as
a warning.
"""


def doubts(
    tables: Mapping[str, Table], classes: Classes, classes_in: semantic.ClassesIn, source: Source
) -> list[Notice]:
    """The notices, warnings first."""
    matrix = pixels.confusion(tables["pixels"], classes).astype(np.float64)
    if not matrix.any():
        return [_nothing(source)]
    void = _void(tables, classes)
    notices = [notice for notice in (_swallowed(matrix, void, classes, classes_in),) if notice]
    votes = _votes(tables, matrix, classes, source)
    reading = None if notices else label_space.suspected(votes, classes, source.space)
    if reading is not None:
        both = (
            _numbers(matrix, classes, classes_in),
            _numbers(votes.matrix(reading.read), classes, classes_in),
        )
        return [*notices, reading_words.notice(reading, votes, classes, source, numbers=both)]
    return [*notices, *_unscored(votes, classes, source), *_left_out(tables, matrix, void, classes)]


def _nothing(source: Source) -> Notice:
    where = f" of split {source.split}" if source.split else ""
    text = (
        f"no pixel of the truth{where} is scored: all of it is void or a label that is not scored; "
        "the labels of test splits are often placeholders, so take a split whose labels are "
        "published"
    )
    return Notice("nothing-scored", text, "warning")


def _void(tables: Mapping[str, Table], classes: Classes) -> Array:
    """Pixels of void by predicted class, (C + 1,)."""
    table = tables.get("void_pixels")  # records of earlier versions lack it
    if table is None:
        return np.zeros(len(classes) + 1)
    return np.bincount(table["predicted"], table["pixels"], len(classes) + 1).astype(np.float64)


def _votes(tables: Mapping[str, Table], matrix: Array, classes: Classes, source: Source) -> Votes:
    """The matrix by values as they were handed in, in which labels that are not scored are
    apart.
    """
    scored = [
        entry.id if source.space == "ids" else index for index, entry in enumerate(classes.scored)
    ]
    labels, counts = np.array([UNKNOWN]), [matrix[:, -1]]
    table = tables.get("unscored_labels")  # records of earlier versions lack it
    if table is not None:
        labels = np.flatnonzero(np.bincount(table["label"] - UNKNOWN)) + UNKNOWN
        counts = [_column(table, table["label"] == label, len(classes)) for label in labels]
    kept = tables["pixels"]["region"] == 0
    images = len(tables["images"]["id"])
    keys = (
        tables["pixels"]["truth"][kept].astype(np.int64) * images + tables["pixels"]["image"][kept]
    )
    truth = (
        np.unique(keys, return_counts=True)[0] // images
    )  # with counts, because without them it loads numpy.ma
    return Votes(
        counts=np.concatenate([matrix[:, :-1], np.reshape(counts, (-1, len(classes))).T], axis=1),
        values=np.array([*scored, *labels], dtype=np.int64),
        read=np.array([*range(len(classes)), *[len(classes)] * len(labels)], dtype=np.int64),
        carriers=np.bincount(truth, minlength=len(classes)),
    )


def _column(table: Table, kept: Array, classes: int) -> Array:
    return np.bincount(table["truth"][kept], table["pixels"][kept], classes)


def _scores(
    matrix: Array, classes: Classes, classes_in: semantic.ClassesIn
) -> semantic.SemanticScores:
    truth, predicted = np.nonzero(matrix)
    zeros = np.zeros(len(truth), dtype=np.int64)
    counts = {
        "image": zeros,
        "region": zeros,
        "truth": truth,
        "predicted": predicted,
        "pixels": matrix[truth, predicted],
    }
    return semantic.score(counts, np.ones((1, 1)), classes, classes_in=classes_in)


def _numbers(matrix: Array, classes: Classes, classes_in: semantic.ClassesIn) -> str:
    scores = _scores(matrix, classes, classes_in)
    return (
        f"mIoU {100 * scores['mIoU'][0]:.2f} and pixel accuracy "
        f"{100 * scores['pixel_accuracy'][0]:.2f} %"
    )


def _swallowed(
    matrix: Array, void: Array, classes: Classes, classes_in: semantic.ClassesIn
) -> Notice | None:
    """The warning on a class that the truth lacks and that is predicted on void; of two classes, on
    one it lacks.
    """
    share = void.sum() / (void.sum() + matrix.sum())
    absent = matrix.sum(axis=1) == 0
    if share < VOID_SHARE or not absent.any():
        return None
    taken = np.where(absent, void[:-1], -1)
    largest = int(taken.argmax())
    predicted = taken[largest] + matrix[:, largest].sum()
    least = VOID_TAKEN if absent.sum() == 1 else VOID_TAKEN_OF_MANY
    under = taken[largest] >= least * void.sum() and 2 * taken[largest] > predicted
    if not under and len(classes) > 2:
        return None
    name, now = classes.names[largest], _scores(matrix, classes, classes_in)["mIoU"][0]
    meant = matrix.copy()
    meant[largest] += void
    then = _scores(meant, classes, classes_in)["mIoU"][0]
    value = ", ".join(map(str, classes.void)) or "255"
    on_void = f"is predicted on {predicted:.0f} pixels, {taken[largest]:.0f} of them void"
    otherwise = f"but {on_void}" if predicted else "and is never predicted"
    text = (
        f"{value} was read as void: {100 * share:.1f} % of the truth is void, and class {name} "
        f"does not occur in the truth {otherwise}; mIoU is {100 * now:.2f} and would be "
        f"{100 * then:.2f} if void were {name}: masks of 0 and {value} need [values] with {value} "
        f"= {classes.scored[largest].id}, and void = [], in the card"
    )
    return Notice("void-class", text, "warning")


def _unscored(votes: Votes, classes: Classes, source: Source) -> list[Notice]:
    """The notices on pixels predicted as labels that are not scored, or as the value just above the
    train ids.
    """
    whole, top = votes.counts.sum(), len(classes)
    pixels_of = np.where(votes.read == top, votes.counts.sum(axis=0), 0)
    notices = []
    above = int(pixels_of[votes.values == top].sum()) if source.space == "train-ids" else 0
    if above:
        text = (
            f"{above} scored pixels are predicted as {top}, just above the train ids; networks "
            f"with {top + 1} outputs use it for everything else, so it was read as a label that is "
            "not scored"
        )
        notices.append(Notice("above-train-ids", text))
    share = pixels_of.sum() / whole
    if share <= UNSCORED_SHARE:
        return notices
    order = [row for row in (-pixels_of).argsort(kind="stable").tolist() if pixels_of[row]]
    named = [
        classes.name_of(int(votes.values[row])) for row in order if votes.values[row] != UNKNOWN
    ]
    which = f" ({few(named, 3)})" if named and source.space == "ids" else ""
    text = (
        f"{100 * share:.1f} % of the scored pixels are predicted as labels that are not "
        f"scored{which}: each is a false negative"
    )
    if 2 * share > 1:
        spaces = source.space == "ids" and any(
            entry.id != entry.train_id for entry in classes.scored
        )
        hint = "; if the values are train ids, say --label-space train-ids" * spaces
        return [Notice("unscored-labels", text + hint, "warning"), *notices]
    return [*notices, Notice("unscored-labels", text)]


def _left_out(
    tables: Mapping[str, Table], matrix: Array, void: Array, classes: Classes
) -> list[Notice]:
    """Images without a scored pixel, and classes of the truth that are never predicted."""
    notices = []
    images = len(tables["images"]["id"])
    empty = np.flatnonzero(np.bincount(tables["pixels"]["image"], minlength=images) == 0)
    if len(empty):
        names = few([str(tables["images"]["id"][image]) for image in empty.tolist()], 3)
        notices.append(
            Notice(
                "unscored-images",
                f"{len(empty)} of {images} images have no scored pixel in the truth: {names}",
            )
        )
    return notices + never_predicted(
        matrix.sum(axis=1), matrix[:, :-1].sum(axis=0) + void[:-1], classes
    )
