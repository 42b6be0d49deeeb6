"""Signs that classes of objects or segments were read in another way than they were meant: found,
as another class.

Only counts are looked at; `label_space.py` says when another reading is suspected, `found_as.py`
what is counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.classes import Classes
from bench.families.contract.rules import Source
from bench.families.doubts.never_predicted import never_predicted
from bench.families.doubts.reading_words import CODES
from bench.metrics import found_as, label_space
from bench.metrics.label_space import Reading, Votes
from bench.notices import Notice
from bench.samples import Array, Table

ENOUGH = 3
"""With fewer objects found, of any class, nothing is concluded."""
OWN, COVERED = 0.1, 0.25
"""A warning is due where less than the share OWN of the objects found has its own class, and
COVERED of all are found.

A model that localises objects, and names fewer than one in ten of them rightly, has learnt other
classes than these.
"""
MOST = 0.5
"""A reading is named where it makes at least this share right."""


def of_objects(
    tables: Mapping[str, Table], detections: str, truths: str, classes: Classes, source: Source
) -> list[Notice]:
    """The notices on the objects of two match tables."""
    detected, true, table = tables[detections], tables[truths], tables.get(found_as.TABLE)
    if table is None:  # records of earlier versions lack it
        return []
    whole = true["size"] == 0
    objects = np.bincount(true["class"][whole], true["objects"][whole], len(classes))
    predicted = np.bincount(detected["class"], minlength=len(classes))
    votes = found_as.votes_of_objects(
        table, detected, true, values(classes, source), len(tables["images"]["id"])
    )
    serious = notice(votes, objects.sum(), classes, source, "objects")
    return [serious] if serious else never_predicted(objects, predicted, classes)


def of_segments(tables: Mapping[str, Table], classes: Classes, source: Source) -> list[Notice]:
    """The notices on the segments of a panoptic evaluation."""
    segments, table = tables["segments"], tables.get(found_as.TABLE)
    if table is None:  # records of earlier versions lack it
        return []
    tp, fp, fn = (
        np.bincount(segments["class"], segments[name], len(classes)) for name in ("tp", "fp", "fn")
    )
    if not (tp + fn).any():
        return [
            Notice(
                "nothing-scored",
                "the truth holds no segment of a scored class, or only crowds",
                "warning",
            )
        ]
    votes = found_as.votes_of_segments(
        table, segments, values(classes, source), len(tables["images"]["id"])
    )
    serious = notice(votes, (tp + fn).sum(), classes, source, "segments")
    return [serious] if serious else never_predicted(tp + fn, tp + fp, classes)


def values(classes: Classes, source: Source) -> Array:
    """What stands for each class where predictions are written: ids in files, train ids in
    memory.
    """
    ids = [entry.id for entry in classes.scored] if source.space == "ids" else range(len(classes))
    return np.array(ids, dtype=np.int64)


def notice(
    votes: Votes, objects: float, classes: Classes, source: Source, noun: str
) -> Notice | None:
    """The warning where objects are found as other classes; `objects` is how many there are, `noun`
    what they are.
    """
    seen, agreeing = votes.counts.sum(), np.trace(votes.counts)
    if seen < ENOUGH:
        return None
    reading = label_space.suspected(votes, classes, source.space)
    if reading is None and (agreeing >= OWN * seen or seen < COVERED * objects):
        return None
    reading = reading or _most_right(votes, classes, source)
    others = votes.counts - np.diag(np.diag(votes.counts))
    true, predicted_class = divmod(int(others.argmax()), len(classes))
    text = (
        f"{100 * (1 - agreeing / seen):.0f} % of the {noun} that predictions overlap "
        f"({seen - agreeing:.0f} of {seen:.0f}) are predicted as another class, most often "
        f"{classes.names[true]} as {classes.names[predicted_class]}: "
    )
    if reading is None:
        text += (
            "the category ids may be counted from 0, or come from another list; write the "
            "ids of the classes"
        )
        return Notice("other-classes", text + _example(classes, true, source), "warning")
    looks, correction = _words(reading, classes, true, source)
    right = np.trace(votes.matrix(reading.read))
    text += f"{looks}; with that corrected, {right:.0f} would be right: {correction}"
    return Notice(CODES[reading.name], text, "warning")


def _most_right(votes: Votes, classes: Classes, source: Source) -> Reading | None:
    """The reading that makes most right; unlike agreement beyond chance, it is defined for a single
    class too.
    """
    tried = label_space.readings(votes, classes, source.space)
    shares = [
        Reading(name, read, np.trace(votes.matrix(read)) / votes.counts.sum())
        for name, read in tried
    ]
    best = max(shares, key=lambda reading: reading.agreement, default=None)
    return best if best is not None and best.agreement >= MOST else None


def _words(reading: Reading, classes: Classes, true: int, source: Source) -> tuple[str, str]:
    """What the classes look like, and how to correct them."""
    write = f"write the ids of the classes{_example(classes, true, source)}"
    if source.space != "ids":
        write = f"hand over train ids, 0 to {len(classes) - 1} in the card's order"
    sentences = {
        "one-less": ("the category ids look one too high", "subtract 1 from each category id"),
        "one-more": (
            "the category ids look one too low (counted from 0?)",
            "add 1 to each category id",
        ),
        "one-less-train-ids": (
            "the category ids look like positions in the list of classes, counted from 1",
            write,
        ),
        "other-space": (
            "the category ids look like positions in the list of classes, counted from 0",
            write,
        ),
    }
    if source.space != "ids":
        sentences["other-space"] = ("the classes look like ids of the data set", write)
    return sentences.get(
        reading.name, ("the classes seem to be in another order than in the truth", write)
    )


def _example(classes: Classes, true: int, source: Source) -> str:
    return (
        f" ({classes.scored[true].id} for {classes.names[true]})" if source.space == "ids" else ""
    )
