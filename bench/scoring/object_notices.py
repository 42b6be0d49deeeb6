"""Notices on the objects of a run: empty masks, boxes that contradict their masks, wrong areas.

They are derived from the table of `bench/metrics/object_checks.py` once counting is done. Each
names the number of objects and the first one.
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
"""Prefixes of the tables that are counted from masks, and from boxes."""
FEW, SOME, MANY, MOST = 0.01, 0.1, 0.25, 0.5
"""Fractions of objects from which on a check becomes a notice or a warning. Good files have a few
objects without pixels, and networks predict a few, so a note is enough for these."""
PIXELS = "COCO's boxes are x, y, width and height in pixels"
_SHOWN_NAMES = 5


def object_notices(tables: Tables, classes: Classes) -> list[Notice]:
    """All notices on the objects of a run; records without the table of checks have fewer."""
    has_objects = any(f"{kind}_truths" in tables for kind in (*MASKS, *BOXES))
    same_names = _same_names(classes) if has_objects else []
    if TABLE not in tables:
        return same_names
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
    sides = [_Side(tables, side) for side in (TRUTH, FOUND)]
    notices = [check(side) for check in checks for side in sides]
    odd = [notice for notice in notices if notice is not None]
    return [*_nothing_to_find(tables), *odd, *same_names]


@dataclass(frozen=True, eq=False)
class _Side:
    """The objects of the ground truth, or those of the results."""

    tables: Tables
    side: int

    def counts(self, check: str) -> int:
        """The number of objects that a check marks."""
        return int(self.tables[TABLE]["objects"][self._rows(check)].sum())

    def fraction(self, check: str) -> float:
        """The fraction of all objects that a check marks."""
        return self.counts(check) / max(self.total, 1)

    @cached_property
    def total(self) -> int:
        """The number of objects."""
        return _truths(self.tables)[0] if self.side == TRUTH else _detections(self.tables)

    def has(self, kinds: tuple[str, ...]) -> bool:
        """Whether tables of these kinds were counted."""
        return any(f"{kind}_truths" in self.tables for kind in kinds)

    def all(self) -> str:
        """All objects, in message."""
        if self.side == TRUTH:
            return f"{many(self.total, 'object')} of the ground truth"
        return many(self.total, "result")

    def some(self, check: str) -> str:
        """The number of objects that a check marks, in message."""
        return f"{self.counts(check)} of {self.all()}"

    def unmatched(self, check: str) -> str:
        """The consequence for objects that nothing can overlap, in message."""
        single = self.counts(check) == 1
        if self.side == TRUTH:
            return f"no detection can match {'it' if single else 'them'}"
        return f"{'it' if single else 'they'} cannot match any object"

    def first(self, check: str) -> str:
        """The first object that a check marks, in message."""
        row, table = self._rows(check)[0], self.tables[TABLE]
        image = self.tables["images"]["id"][int(table["image"][row])]
        number = int(table["number"][row])
        if number < 0:  # unknown
            return f"first: image {image}"
        noun = "annotation" if self.side == TRUTH else "result"
        return f"first: image {image}, {noun} {number}"

    def numbers(self, check: str, name: str) -> Array:
        """The numbers of the first object that a check marks, (4,)."""
        row = self._rows(check)[0]
        return np.array([self.tables[TABLE][f"{name}_{k}"][row] for k in range(4)])

    def _rows(self, check: str) -> Array:
        table = self.tables[TABLE]
        return np.flatnonzero(
            (table["side"] == self.side) & (table["check"] == CHECKS.index(check))
        )


def _nothing_to_find(tables: Tables) -> list[Notice]:
    """A warning if nothing can be scored because no object is to be found."""
    total, to_find = _truths(tables)
    if to_find:
        return []
    if not total:
        reason = "the ground truth holds no object of a scored class in these images"
    elif _Side(tables, TRUTH).counts("hidden") == total:
        crowd = _Side(tables, TRUTH).numbers("hidden", "stated")[0] == 1
        kind = "crowds (iscrowd = 1), which do" if crowd else "ignored, and do"
        reason = (
            f"all {many(total, 'object')} of the ground truth are {kind} not count as "
            "objects to find"
        )
    else:
        odd = "crowds or ignored, or have an area below 0 or above 1e10"
        reason = f"all {many(total, 'object')} of the ground truth are {odd}"
    return [Notice("nothing-to-find", f"{reason}: nothing can be scored", "warning")]


def _from_boxes(side: _Side) -> Notice | None:
    count = side.counts("from_box")
    if not count or not side.has(MASKS):
        return None
    if count == side.total:
        subject, boxes = f"none of {side.all()} has a mask", "their boxes are"
    else:
        verb, boxes = ("has", "its box is") if count == 1 else ("have", "their boxes are")
        subject = f"{side.some('from_box')} {verb} no mask ({side.first('from_box')})"
    message = f"{subject}; {boxes} used instead (--metrics boxes scores boxes alone)"
    return Notice("masks-from-boxes", message, "warning")


def _parts(side: _Side) -> Notice | None:
    if not side.counts("part") or not side.has(MASKS):
        return None
    has = "has" if side.counts("part") == 1 else "have"
    message = (
        f"{side.some('part')} {has} polygon parts of fewer than three points or with an odd number "
        f"of coordinates ({side.first('part')}); such a part, or its last coordinate, is left out, "
        "as in pycocotools"
    )
    return Notice("polygon-parts-left-out", message)


def _without_pixels(side: _Side) -> Notice | None:
    if not side.counts("no_pixel") or not side.has(MASKS):
        return None
    has, image = ("has", "its image") if side.counts("no_pixel") == 1 else ("have", "their images")
    message = (
        f"{side.some('no_pixel')} {has} no pixel in {image} ({side.first('no_pixel')}): "
        f"{side.unmatched('no_pixel')}"
    )
    if side.fraction("no_pixel") >= MOST:
        message += (
            "; the polygons may be fractions of the image, or the image's height and "
            "width may be swapped"
        )
    return Notice("objects-without-pixels", message, _severity(side, "no_pixel"))


def _boxes_and_masks(side: _Side) -> Notice | None:
    if not _contradict(side):
        return None
    stated, measured = (_box(side.numbers("box", name)) for name in ("stated", "measured"))
    message = (
        f"the boxes of {side.some('box')} do not fit their masks ({side.first('box')}: box "
        f"{stated}, box around the mask {measured}); {PIXELS}, and masks are height x width"
    )
    return Notice("boxes-and-masks", message, "warning")


def _contradict(side: _Side) -> bool:
    """Whether many boxes contradict their masks."""
    return side.fraction("box") >= MANY


def _areas(side: _Side) -> Notice | None:
    if side.fraction("area") < SOME or side.fraction("no_pixel") >= MOST:
        return None
    shape = "mask" if side.has(MASKS) else "box"
    verb = "has" if side.counts("area") == 1 else "have"
    stated, measured = (float(side.numbers("area", name)[0]) for name in ("stated", "measured"))
    message = (
        f"{side.some('area')} {verb} an area in the JSON that is far from that of the {shape} "
        f"({side.first('area')}: area {stated:.6g}, but {many(round(measured), 'pixel')}); "
        "it decides which objects are small, medium or large: leave `area` out of the file, "
        "and it is computed"
    )
    return Notice("json-areas", message, "warning")


def _fractions(side: _Side) -> Notice | None:
    if side.fraction("fraction") < MOST:
        return None
    first = f"{side.first('fraction')}: {_box(side.numbers('fraction', 'stated'))}"
    message = (
        f"the boxes of {side.some('fraction')} look like fractions of the image, between "
        f"0 and 1 ({first}); {PIXELS}"
    )
    return Notice("boxes-in-fractions", message, "warning")


def _beyond(side: _Side) -> Notice | None:
    if side.fraction("beyond") < SOME:
        return None
    stated, (height, width, *_) = (
        side.numbers("beyond", "stated"),
        side.numbers("beyond", "measured"),
    )
    first = (
        f"{side.first('beyond')}: {_box(stated)} in an image of {height:.0f} x "
        f"{width:.0f}, height x width"
    )
    message = (
        f"the boxes of {side.some('beyond')} reach far beyond their images ({first}); {PIXELS}"
    )
    hint = "these may be x1, y1, x2, y2, or belong to images of another size"
    return Notice("boxes-beyond-image", f"{message}: {hint}", "warning")


def _without_extent(side: _Side) -> Notice | None:
    # Boxes that contradict their masks are already reported by `_boxes_and_masks`.
    if not side.counts("no_extent") or not side.has(BOXES) or _contradict(side):
        return None
    boxes, verb = ("the box", "has") if side.counts("no_extent") == 1 else ("the boxes", "have")
    first = f"{side.first('no_extent')}: {_box(side.numbers('no_extent', 'stated'))}"
    message = (
        f"{boxes} of {side.some('no_extent')} {verb} no width or height ({first}): "
        f"{side.unmatched('no_extent')}"
    )
    return Notice("boxes-without-extent", message, _severity(side, "no_extent"))


def _severity(side: _Side, check: str) -> Severity:
    limit = FEW if side.side == TRUTH else SOME
    return "warning" if side.fraction(check) >= limit else "note"


def _same_names(classes: Classes) -> list[Notice]:
    """A note on categories of the same name, which are shown with their ids."""
    names = set(classes.names)
    shown, shared = [], []
    for entry in classes.scored:
        # The reader adds " (id)", and an apostrophe where even that name is taken.
        name = entry.name.rstrip("'").removesuffix(f" ({entry.id})")
        if name != entry.name and name in names:
            shown.append(repr(entry.name))
            shared.append(repr(name))
    if not shown:
        return []
    verb = "one is" if len(shown) == 1 else "some are"
    message = (
        "several categories of the ground truth are named "
        f"{', '.join(dict.fromkeys(shared[:_SHOWN_NAMES]))}; {verb} shown as "
        f"{', '.join(shown[:_SHOWN_NAMES])}"
    )
    return [Notice("same-names", message)]


def _truths(tables: Tables) -> tuple[int, int]:
    """The numbers of objects in the ground truth, and of those that are to be found."""
    for kind in (*MASKS, *BOXES):
        table = tables.get(f"{kind}_truths")
        if table is not None:
            all_sizes = table["size"] == 0
            to_find = int(table["objects"][all_sizes].sum())
            return to_find + int(table["ignored"][all_sizes].sum()), to_find
    return 0, 0


def _detections(tables: Tables) -> int:
    """The number of detections, with those left out by the maximum number of detections."""
    for kind in (*MASKS, *BOXES):
        table = tables.get(f"{kind}_detections")
        if table is not None:
            left_out = None if kind.startswith("lvis") else tables.get("left_out")
            extra = 0 if left_out is None else int(left_out["detections"].sum())
            return len(table["image"]) + extra
    return 0


def _box(values: Array) -> str:
    """A box in text.

    >>> _box(np.array([1.0, 2.5, 3.0, 40.0]))
    '[1, 2.5, 3, 40]'
    """
    return f"[{', '.join(f'{value:.6g}' for value in values)}]"
