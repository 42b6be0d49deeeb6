"""The notices on the objects of a run: masks without a pixel, boxes that contradict their masks, areas far off.

They are made of finished counts, the table of `bench/metrics/object_checks.py`, and name the number and the first one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.classes import Classes
from bench.metrics.object_checks import CHECKS, FOUND, TABLE, TRUTH
from bench.notices import Notice, Severity, many
from bench.runs import Tables
from bench.samples import Array

MASKS, BOXES = ("mask", "lvis", "boundary"), ("box", "lvis_box")
"""Kinds of tables that are counted from masks, and from boxes."""
FEW, SOME, MANY, MOST = 0.01, 0.1, 0.25, 0.5
"""Shares of objects. Good files have a few objects without a pixel, and networks predict a few: a note is enough."""
PIXELS = "COCO's boxes are x, y, width and height in pixels"


def object_notices(tables: Tables, classes: Classes) -> list[Notice]:
    """All notices on the objects of a run; none of records that lack the table."""
    found = _same_names(classes) if any(f"{kind}_truths" in tables for kind in (*MASKS, *BOXES)) else []
    if TABLE not in tables:
        return found
    nothing = _nothing_to_find(tables)
    sides = [_Side(tables, side) for side in (TRUTH, FOUND)]
    checks: tuple[Callable[[_Side], Notice | None], ...] = (
        _from_boxes,
        _parts,
        _without_pixels,
        _boxes_and_masks,
        _areas,
        _fractions,
        _beyond,
        _without_extent,
    )
    return [*nothing, *(each for check in checks for side in sides if (each := check(side))), *found]


@dataclass(frozen=True, eq=False)
class _Side:
    """One side of a run, truth or results."""

    tables: Tables
    side: int

    def counts(self, check: str) -> int:
        """How many objects a check marks."""
        return int(self.tables[TABLE]["objects"][self._rows(check)].sum())

    def share(self, check: str) -> float:
        """Their share of all objects."""
        return self.counts(check) / max(self.total, 1)

    @cached_property
    def total(self) -> int:
        """How many objects there are."""
        return _truths(self.tables)[0] if self.side == TRUTH else _detections(self.tables)

    def has(self, kinds: tuple[str, ...]) -> bool:
        """Whether tables of these kinds were counted."""
        return any(f"{kind}_truths" in self.tables for kind in kinds)

    def all(self) -> str:
        """All of them, in words."""
        return f"{many(self.total, 'object')} of the ground truth" if self.side == TRUTH else many(self.total, "result")

    def some(self, check: str) -> str:
        """How many of them a check marks, in words."""
        return f"{self.counts(check)} of {self.all()}"

    def unmatched(self, check: str) -> str:
        """What follows for those that a check marks, where nothing can overlap them."""
        one = self.counts(check) == 1
        if self.side == TRUTH:
            return f"no detection can match {'it' if one else 'them'}"
        return f"{'it' if one else 'they'} cannot match any object"

    def first(self, check: str) -> str:
        """The first of them, in words."""
        row, table = self._rows(check)[0], self.tables[TABLE]
        number, image = int(table["number"][row]), self.tables["images"]["id"][int(table["image"][row])]
        what = "annotation" if self.side == TRUTH else "result"
        return f"first: image {image}" + (f", {what} {number}" if number >= 0 else "")

    def numbers(self, check: str, name: str) -> Array:
        """The numbers of the first one, (4,)."""
        row = self._rows(check)[0]
        return np.array([self.tables[TABLE][f"{name}_{k}"][row] for k in range(4)])

    def _rows(self, check: str) -> Array:
        table = self.tables[TABLE]
        return np.flatnonzero((table["side"] == self.side) & (table["check"] == CHECKS.index(check)))


def _nothing_to_find(tables: Tables) -> list[Notice]:
    """Why nothing can be scored, where nothing can."""
    total, looked_for = _truths(tables)
    if looked_for:
        return []
    if not total:
        reason = "the ground truth holds no object of a scored class in these images"
    elif _Side(tables, TRUTH).counts("hidden") == total:
        crowd = _Side(tables, TRUTH).numbers("hidden", "stated")[0] == 1
        what = "crowds (iscrowd = 1), which do" if crowd else "ignored, and do"
        reason = f"all {many(total, 'object')} of the ground truth are {what} not count as objects to find"
    else:
        odd = "crowds or ignored, or have an area below 0 or above 1e10"
        reason = f"all {many(total, 'object')} of the ground truth are {odd}"
    return [Notice("nothing-to-find", f"{reason}: nothing can be scored", "warning")]


def _from_boxes(side: _Side) -> Notice | None:
    if not side.counts("from_box") or not side.has(MASKS):
        return None
    one, whole = side.counts("from_box") == 1, side.counts("from_box") == side.total
    has, box = ("has", "its box stands in for it") if one else ("have", "their boxes stand in for them")
    who = f"{side.some('from_box')} {has} no mask ({side.first('from_box')})"
    if whole:
        who, box = f"none of {side.all()} has a mask", "their boxes stand in for them"
    return Notice("masks-from-boxes", f"{who}; {box} (--metrics boxes scores boxes alone)", "warning")


def _parts(side: _Side) -> Notice | None:
    if not side.counts("part") or not side.has(MASKS):
        return None
    has = "has" if side.counts("part") == 1 else "have"
    message = (
        f"{side.some('part')} {has} polygon parts of fewer than three points or with an odd number of coordinates "
        f"({side.first('part')}); such a part, or its last coordinate, is left out, as in pycocotools"
    )
    return Notice("polygon-parts-left-out", message)


def _without_pixels(side: _Side) -> Notice | None:
    if not side.counts("no_pixel") or not side.has(MASKS):
        return None
    has, image = ("has", "its image") if side.counts("no_pixel") == 1 else ("have", "their images")
    words = (
        f"{side.some('no_pixel')} {has} no pixel in {image} ({side.first('no_pixel')}): {side.unmatched('no_pixel')}"
    )
    if side.share("no_pixel") >= MOST:
        words += "; the polygons may be fractions of the image, or the image's height and width may be swapped"
    return Notice("objects-without-pixels", words, _severity(side, "no_pixel"))


def _boxes_and_masks(side: _Side) -> Notice | None:
    if not _contradict(side):
        return None
    stated, measured = (_box(side.numbers("box", name)) for name in ("stated", "measured"))
    words = (
        f"the boxes of {side.some('box')} do not fit their masks "
        f"({side.first('box')}: box {stated}, box around the mask {measured}); {PIXELS}, and masks are height x width"
    )
    return Notice("boxes-and-masks", words, "warning")


def _contradict(side: _Side) -> bool:
    return side.share("box") >= MANY


def _areas(side: _Side) -> Notice | None:
    if side.share("area") < SOME or side.share("no_pixel") >= MOST:
        return None
    what, has = "mask" if side.has(MASKS) else "box", "has" if side.counts("area") == 1 else "have"
    claimed, pixels = (float(side.numbers("area", name)[0]) for name in ("stated", "measured"))
    words = (
        f"{side.some('area')} {has} an area in the JSON that is far from that of the {what} "
        f"({side.first('area')}: area {claimed:.6g}, but {many(round(pixels), 'pixel')}); it decides which objects are "
        "small, medium or large: leave `area` out of the file, and it is computed"
    )
    return Notice("json-areas", words, "warning")


def _fractions(side: _Side) -> Notice | None:
    if side.share("fraction") < MOST:
        return None
    first = f"{side.first('fraction')}: {_box(side.numbers('fraction', 'stated'))}"
    words = (
        f"the boxes of {side.some('fraction')} look like fractions of the image, between 0 and 1 ({first}); {PIXELS}"
    )
    return Notice("boxes-in-fractions", words, "warning")


def _beyond(side: _Side) -> Notice | None:
    if side.share("beyond") < SOME:
        return None
    stated, (height, width, *_) = side.numbers("beyond", "stated"), side.numbers("beyond", "measured")
    first = f"{side.first('beyond')}: {_box(stated)} in an image of {height:.0f} x {width:.0f}, height x width"
    words = f"the boxes of {side.some('beyond')} reach far beyond their images ({first}); {PIXELS}"
    hint = "these may be x1, y1, x2, y2, or belong to images of another size"
    return Notice("boxes-beyond-image", f"{words}: {hint}", "warning")


def _without_extent(side: _Side) -> Notice | None:
    # Where boxes contradict masks, that is said once.
    if not side.counts("no_extent") or not side.has(BOXES) or _contradict(side):
        return None
    one = side.counts("no_extent") == 1
    whose, are = ("the box", "has no width or height") if one else ("the boxes", "have no width or height")
    first = f"{side.first('no_extent')}: {_box(side.numbers('no_extent', 'stated'))}"
    words = f"{whose} of {side.some('no_extent')} {are} ({first}): {side.unmatched('no_extent')}"
    return Notice("boxes-without-extent", words, _severity(side, "no_extent"))


def _severity(side: _Side, check: str) -> Severity:
    return "warning" if side.share(check) >= (FEW if side.side == TRUTH else SOME) else "note"


def _same_names(classes: Classes) -> list[Notice]:
    """The note on categories of one name, to which the reader of the truth adds their ids."""
    names = set(classes.names)
    pairs = [
        (entry.name, name)
        for entry in classes.scored
        if (name := entry.name.rstrip("'").removesuffix(f" ({entry.id})")) != entry.name and name in names
    ]
    if not pairs:
        return []
    called = ", ".join(repr(own) for own, _ in pairs[:5])
    shared = ", ".join(dict.fromkeys(repr(name) for _, name in pairs[:5]))
    shown = "one is" if len(pairs) == 1 else "some are"
    return [
        Notice("same-names", f"several categories of the ground truth are named {shared}; {shown} shown as {called}")
    ]


def _truths(tables: Tables) -> tuple[int, int]:
    """How many objects of the truth there are, and how many of them are looked for."""
    for kind in (*MASKS, *BOXES):
        table = tables.get(f"{kind}_truths")
        if table is not None:
            whole = table["size"] == 0
            looked_for = int(table["objects"][whole].sum())
            return looked_for + int(table["ignored"][whole].sum()), looked_for
    return 0, 0


def _detections(tables: Tables) -> int:
    for kind in (*MASKS, *BOXES):
        table = tables.get(f"{kind}_detections")
        if table is not None:
            left = None if kind.startswith("lvis") else tables.get("left_out")
            return len(table["image"]) + (0 if left is None else int(left["detections"].sum()))
    return 0


def _box(values: Array) -> str:
    """A box as a person writes it.

    >>> _box(np.array([1.0, 2.5, 3.0, 40.0]))
    '[1, 2.5, 3, 40]'
    """
    return f"[{', '.join(f'{value:.6g}' for value in values)}]"
