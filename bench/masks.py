"""Masks as COCO run-length codes: made from pixels, polygons, plain counts and id maps; measured,
checked, decoded.

pycocotools does the work underneath and is loaded when first needed. Codes that come from files are
checked here, because pycocotools reads past the end of a damaged one; this module knows neither
files nor metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType

import numpy as np

from bench.errors import InputError
from bench.samples import FROM_BOX, PART_LEFT_OUT, Array, Rle

Size = tuple[int, int]

_BLOCK = 128
"""Masks handed to pycocotools at once: its `area` keeps the length of a list in eight bits (2.0.11
on NumPy 2).
"""
_MAX_CHARACTERS = 7
"""Characters of one run in a code: 35 bits, more than any image needs."""
MOST_PIXELS = (1 << 31) - 1
"""Pixels of the largest image: pycocotools counts them in 32 bits."""
FAR_SIDES = 100
"""Sides of the image that a polygon may reach beyond: pycocotools keeps every point of an outline
in memory.
"""
LONGEST = 1e7
"""Pixels of the longest outline, for which pycocotools takes 800 MB; coordinates beyond it overflow
there.
"""


def _coco() -> ModuleType:
    from pycocotools import mask

    return mask  # type: ignore[no-any-return]


def encode(mask: Array) -> Rle:
    """Return the code of a mask, (H, W) of bool or of numbers where nonzero is inside.

    >>> encode(np.array([[0, 1], [1, 1]]))
    {'size': [2, 2], 'counts': b'13'}
    """
    # Reading column by column takes most of the time in a large image, so only the rectangle around
    # the mask is read. A row of zeros above and below it makes every run begin and end inside it.
    inside = mask if mask.dtype == np.bool_ else np.asarray(mask != 0)
    rows = np.flatnonzero(inside.any(axis=1))
    top, bottom = (int(rows[0]), int(rows[-1]) + 1) if rows.size else (0, 0)
    columns = np.flatnonzero(inside[top:bottom].any(axis=0))
    left, right = (int(columns[0]), int(columns[-1]) + 1) if columns.size else (0, 0)
    window = np.zeros((right - left, bottom - top + 2), dtype=np.int8)
    window[:, 1:-1] = inside[top:bottom, left:right].T
    edges = np.diff(window, axis=1)
    edge_positions = [np.nonzero(edges == step) for step in (1, -1)]
    starts, ends = ((column + left) * mask.shape[0] + row + top for column, row in edge_positions)
    # A run that ends at the bottom of a column may continue at the top of the next: then its end is
    # the start of the other, and both are dropped.
    goes_on = np.flatnonzero(starts[1:] == ends[:-1])
    return _from_runs(np.delete(starts, goes_on + 1), np.delete(ends, goes_on), mask.shape)


def encode_many(masks: Array) -> list[Rle]:
    """Return the codes of masks of one size, shape (G, H, W)."""
    return [encode(mask) for mask in masks]


def encode_ids(ids: Array, values: Sequence[int] | Array) -> list[Rle]:
    """Return the code of `ids == value` for every value, in one pass over the map, shape (H, W) of
    integers.

    Time grows with the pixels once and then with the runs only; a value that does not occur gives
    an empty mask.
    """
    size = ids.shape[0], ids.shape[1]
    flat = ids.ravel(order="F")
    starts = (
        np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
        if flat.size
        else np.zeros(0, np.int64)
    )
    ends = np.append(starts[1:], flat.size)[: len(starts)]
    owners = flat[starts].astype(np.int64)
    order = np.argsort(owners, kind="stable")
    wanted = np.asarray(values, dtype=np.int64)
    low = np.searchsorted(owners[order], wanted, side="left")
    high = np.searchsorted(owners[order], wanted, side="right")
    return [
        _from_runs(starts[order[a:b]], ends[order[a:b]], size)
        for a, b in zip(low.tolist(), high.tolist(), strict=True)
    ]


def decode(rle: Rle) -> Array:
    """Return the mask of a code, (H, W) bool; the code has been checked or was made here."""
    return _coco().decode(rle).astype(bool)  # type: ignore[no-any-return]


def from_polygons(polygons: Sequence[Sequence[float]], size: Size) -> Rle:
    """Return the union of polygons, each x1, y1, x2, y2, ..., drawn as pycocotools does.

    Raises:
        InputError: no polygon, or one with fewer than three points, an odd number of values, a NaN,
            or a point so far away that drawing it would take all memory.
    """
    if not polygons:
        raise InputError("an object without polygons; it needs at least one")
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise InputError(
                f"a polygon of {len(polygon)} numbers; it needs x and y of at least three points"
            )
        _check_reach(np.asarray(polygon, dtype=float), size)
    coco = _coco()
    codes = coco.frPyObjects([list(polygon) for polygon in polygons], *size)
    return _plain(codes[0] if len(codes) == 1 else coco.merge(codes))


def from_box(box: Sequence[float], size: Size) -> Rle:
    """Return the mask of a box x, y, width, height, as pycocotools draws it.

    Raises:
        InputError: a NaN, or a box that reaches far outside the image.
    """
    x, y, width, height = box
    corners = np.array([x, y, x, y + height, x + width, y + height, x + width, y])
    _check_reach(corners, size, subject="its box")
    return from_polygons([corners.tolist()], size)


def from_outline(
    parts: Sequence[Sequence[float]], box: Sequence[float] | None, size: Size, *, cut: bool = False
) -> tuple[Rle, int] | None:
    """Return the mask of an object by the parts of its polygon, and its marks (`bench.samples`);
    None without either.

    Degenerate parts are left out, as pycocotools draws them. Where no part has three points, the
    box is used instead; with `cut` it is first cut at the image, which changes no pixel of the
    mask: a network may predict any box.

    >>> from_outline([[0, 0, 1, 0, 1, 2, 0, 2], [0, 0, 1, 1]], None, (2, 2))
    ({'size': [2, 2], 'counts': b'022'}, 2)

    Raises:
        InputError: a polygon or box with a NaN, or one that reaches far outside the image.
    """
    good = [points[: len(points) // 2 * 2] for points in parts if len(points) >= 6]
    if good:
        return from_polygons(good, size), 0 if list(parts) == good else PART_LEFT_OUT
    if parts and len(parts[0]) > 4:  # of 5 numbers pycocotools draws nothing, on fewer it fails
        return from_uncompressed([size[0] * size[1]], size), PART_LEFT_OUT
    if box is None:
        return None
    return from_box(_cut(box, size) if cut else box, size), FROM_BOX


def _cut(box: Sequence[float], size: Size) -> list[float]:
    """The box, cut a pixel outside the image: there it covers the same pixels."""
    x, y, width, height = box
    left, right = (min(max(value, -1.0), size[1] + 1.0) for value in (x, x + width))
    top, bottom = (min(max(value, -1.0), size[0] + 1.0) for value in (y, y + height))
    return [left, top, right - left, bottom - top]


def check_size(size: Size) -> None:
    """Refuse an image that has no pixel, or more than a mask can count.

    Raises:
        InputError: such a height or width.
    """
    height, width = size
    if height < 1 or width < 1 or height * width > MOST_PIXELS:
        raise InputError(
            f"an image of {height} x {width} pixels (height x width); both must be at least 1, "
            "and their product at most 2^31"
        )


def _check_reach(polygon: Array, size: Size, subject: str = "a polygon") -> None:
    check_size(size)
    if not np.isfinite(polygon).all():
        raise InputError(f"{subject} with a NaN or infinite coordinate")
    far = polygon[np.abs(polygon) > min(FAR_SIDES * max(size), LONGEST)]
    if far.size:
        raise InputError(
            f"{subject} reaches {_written(float(far[0]))}, far outside the image of {size[0]} x "
            f"{size[1]} (height x width)"
        )
    points = polygon.reshape(-1, 2)
    if float(np.abs(np.roll(points, -1, axis=0) - points).max(axis=1).sum()) > LONGEST:
        raise InputError(f"{subject} whose outline is longer than {LONGEST:.0f} pixels")


def _written(value: float) -> str:
    """A coordinate in plain decimal notation.

    >>> _written(208543216.0), _written(1e300)
    ('208543216', '1e+300')
    """
    return f"{value:.15g}"


def from_uncompressed(counts: Sequence[int] | Array, size: Size) -> Rle:
    """Return the code of plain run lengths: column by column, outside first.

    >>> from_uncompressed([1, 3], (2, 2))
    {'size': [2, 2], 'counts': b'13'}

    Raises:
        InputError: a negative length, or lengths that do not sum to the pixels of the image.
    """
    check_size(size)
    try:
        lengths = np.asarray(counts, dtype=np.int64)
    except OverflowError:
        raise InputError("a run longer than any image") from None
    if lengths.size and int(lengths.min()) < 0:
        raise InputError(f"a run of {int(lengths.min())} pixels; run lengths must not be negative")
    _require_total(lengths, size)
    return _plain(_coco().frPyObjects({"size": list(size), "counts": lengths.tolist()}, *size))


def areas(rles: Sequence[Rle]) -> Array:
    """Return the pixels inside each mask; shape (G,), float64."""
    coco = _coco()
    blocks = [
        coco.area(list(rles[start : start + _BLOCK])) for start in range(0, len(rles), _BLOCK)
    ]
    return np.concatenate(blocks).astype(np.float64) if blocks else np.zeros(0)


def boxes(rles: Sequence[Rle]) -> Array:
    """Return the tight box of each mask as x, y, width, height; shape (G, 4), zeros for an empty
    mask.
    """
    return (
        np.asarray(_coco().toBbox(list(rles)), dtype=np.float64).reshape(-1, 4)
        if len(rles)
        else np.zeros((0, 4))
    )


def check(rles: Iterable[Rle], size: Size) -> None:
    """Refuse codes that are damaged or of another size than the image.

    Raises:
        InputError: another size, a character that no code has, a cut-off code, or runs that
            do not sum to H x W.
    """
    check_size(size)
    for rle in rles:
        if tuple(rle["size"]) != tuple(size):
            raise InputError(
                f"a mask of size {list(rle['size'])} for an image of {list(size)} (height, width)"
            )
        lengths = runs(rle)
        if lengths.size and int(lengths.min()) < 0:
            raise InputError("a damaged run-length code (a negative run)")
        _require_total(lengths, size)


def runs(rle: Rle) -> Array:
    """Return the run lengths of a code: column by column, outside first; int64.

    >>> runs({"size": [2, 2], "counts": b"13"}).tolist()
    [1, 3]

    Raises:
        InputError: a character that no code has, or a code that is cut off.
    """
    digits = np.frombuffer(rle["counts"], dtype=np.uint8).astype(np.int64) - 48
    if not digits.size:
        return digits
    last = (digits & 32) == 0
    stops = np.flatnonzero(last)
    if int(digits.min()) < 0 or int(digits.max()) > 63 or not last[-1]:
        raise InputError("a damaged run-length code (an invalid character, or its end is missing)")
    # A character minus 48 is a digit: five bits of a run, the lowest first, and bit 5 set if more
    # digits of the run follow. Bit 4 of the last digit is the sign.
    starts = np.concatenate([[0], stops[:-1] + 1])
    if int((stops - starts).max()) >= _MAX_CHARACTERS:
        raise InputError("a damaged run-length code (a run longer than any image)")
    digit_index = np.arange(digits.size) - np.repeat(starts, stops - starts + 1)
    values = np.add.reduceat((digits & 31) << (5 * digit_index), starts)
    values -= np.where(digits[stops] & 16, np.int64(1) << (5 * (digit_index[stops] + 1)), 0)
    # From the fourth run on, a code holds differences to the run two places before.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def _from_runs(starts: Array, ends: Array, size: Size) -> Rle:
    borders = np.empty(2 * len(starts) + 2, dtype=np.int64)
    borders[0], borders[-1] = 0, size[0] * size[1]
    borders[1:-1:2], borders[2:-1:2] = starts, ends
    lengths = np.diff(borders)
    if len(lengths) > 1 and lengths[-1] == 0:
        lengths = lengths[:-1]
    return _plain(_coco().frPyObjects({"size": list(size), "counts": lengths.tolist()}, *size))


def _require_total(lengths: Array, size: Size) -> None:
    # The sum of several runs that are too long may overflow and look right, so one run that is too
    # long is reported by itself.
    longest, total = int(lengths.max(initial=0)), int(lengths.sum())
    total = longest if longest > size[0] * size[1] else total
    if total != size[0] * size[1]:
        raise InputError(
            f"a mask whose runs cover {total} pixels in an image of {size[0]} x {size[1]} = "
            f"{size[0] * size[1]} pixels"
        )


def _plain(rle: Rle) -> Rle:
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"]}
