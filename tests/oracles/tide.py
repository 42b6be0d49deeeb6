"""TIDE's sorting of errors and mending in plain loops, for boxes and scores that do not tie. No
bench here.
"""

from __future__ import annotations

from typing import Any

Entry = dict[str, Any]
NAMES = ("class", "location", "both", "duplicate", "background", "missed")


def iou(a: list[float], b: list[float], crowd: bool) -> float:
    """Overlap of two boxes x, y, width, height; over the first where the second is a crowd."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    tall = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    common = wide * tall
    return common / (a[2] * a[3] if crowd else a[2] * a[3] + b[2] * b[3] - common)


def sort_image(truths: list[Entry], found: list[Entry]) -> None:
    """Write `error`, `hidden` and `mended` into each detection, and `missed` into each object."""
    objects = [t for t in truths if not t["iscrowd"]]
    for t in objects:
        t["taken"], t["missed"] = False, True
    for d in found:
        free = [t for t in objects if t["category_id"] == d["category_id"] and not t["taken"]]
        best = max(free, key=lambda t: iou(d["bbox"], t["bbox"], False), default=None)
        d["right"] = best is not None and iou(d["bbox"], best["bbox"], False) >= 0.5
        if d["right"]:
            best["taken"], best["missed"] = True, False  # type: ignore[index]
    for d in found:
        d["error"], d["mended"] = "", None
        d["hidden"] = not d["right"] and any(
            t["iscrowd"]
            and t["category_id"] == d["category_id"]
            and iou(d["bbox"], t["bbox"], True) > 0.5
            for t in truths
        )
        if not d["right"]:
            sort_detection(d, objects)


def sort_detection(d: Entry, objects: list[Entry]) -> None:
    """Name the error of a detection that is not right."""
    overlap = [iou(d["bbox"], t["bbox"], False) for t in objects]
    same = [
        o if t["category_id"] == d["category_id"] else 0.0
        for o, t in zip(overlap, objects, strict=True)
    ]
    other = [
        o if t["category_id"] != d["category_id"] else 0.0
        for o, t in zip(overlap, objects, strict=True)
    ]
    double = [o for o, t in zip(same, objects, strict=True) if t["taken"]]
    target = None
    if not objects:
        d["error"] = "background"
    elif 0.1 <= max(same) <= 0.5:
        d["error"], target = "location", objects[same.index(max(same))]
    elif max(other) >= 0.5:
        d["error"], target = "class", objects[other.index(max(other))]
    elif double and max(double) >= 0.5:
        d["error"] = "duplicate"
    else:
        d["error"] = "background" if max(overlap) <= 0.1 else "both"
    if target is not None and target["missed"]:
        target["missed"], d["mended"] = False, target["category_id"]


def average_precision(points: list[tuple[float, bool]], total: int) -> float:
    """Mean over 101 recalls of the highest precision at or after each."""
    if not total:
        return 0.0
    hits, curve = 0, []
    for place, (_, right) in enumerate(sorted(points, key=lambda point: -point[0]), start=1):
        hits += right
        curve.append((hits / total, hits / place))
    return sum(max((p for r, p in curve if r >= k / 100), default=0.0) for k in range(101)) / 101


def mean(found: list[Entry], objects: list[Entry], mend: str) -> float:
    """Mean AP50 over the classes that have anything, with errors of a kind mended."""
    points: dict[int, list[tuple[float, bool]]] = {}
    totals: dict[int, int] = {}
    for t in objects:
        if not (mend == "missed" and t["missed"]):
            totals[t["category_id"]] = totals.get(t["category_id"], 0) + 1
    for d in found:
        if mend and d["error"] == mend:
            if d["mended"] is not None:
                points.setdefault(d["mended"], []).append((d["score"], True))
        elif not d["hidden"]:
            points.setdefault(d["category_id"], []).append((d["score"], d["right"]))
    kinds = {*points, *totals}
    values = [average_precision(points.get(k, []), totals.get(k, 0)) for k in kinds]
    return sum(values) / len(values) if values else float("nan")


def evaluated(
    images: int, annotations: list[Entry], results: list[Entry]
) -> tuple[dict[str, int], float, dict[str, float]]:
    """Counts of errors, AP50, and what mending each kind adds to it."""
    truths, found = [dict(t) for t in annotations], []
    for image in range(1, images + 1):
        own = sorted(
            (dict(d) for d in results if d["image_id"] == image), key=lambda d: -d["score"]
        )[:100]
        sort_image([t for t in truths if t["image_id"] == image], own)
        found += own
    objects = [t for t in truths if not t["iscrowd"]]
    counts = {name: sum(d["error"] == name for d in found) for name in NAMES[:-1]}
    counts["missed"] = sum(t["missed"] for t in objects)
    plain = mean(found, objects, "")
    gains = {f"dAP_{name}": max(mean(found, objects, name) - plain, 0.0) for name in NAMES}
    return counts, plain, gains
