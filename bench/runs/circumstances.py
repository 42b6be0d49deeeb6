"""How a run was made, in words and figures: the settings that change predictions, and what predicting cost.

It reads run records, for `bench show`, boards and plots; a record says these things and no comparison is refused for
them. This module knows no markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.notices import many
from bench.runs import Record


@dataclass(frozen=True)
class Figure:
    """A cost as a column of tables and an axis of plots: its title with the unit, and how many digits are shown."""

    title: str
    digits: int


COSTS: Mapping[str, Figure] = {
    "images/s": Figure("images/s", 1),
    "parameters": Figure("parameters (M)", 1),
    "GFLOPs": Figure("GFLOPs", 1),
    "p50 ms": Figure("p50 (ms)", 1),
    "p95 ms": Figure("p95 (ms)", 1),
    "memory": Figure("memory (GiB)", 2),
}
"""The figures of cost that tables and plots can show. GFLOPs are those of one image, as torch counts them."""
SOON = 1.0
"""Seconds below which a speed is mostly that of starting."""
SAME_EVERYWHERE = ("parameters", "GFLOPs")
"""Costs that do not depend on the device."""


def cost(record: Record, name: str) -> float | None:
    """The figure of this name in the unit of its title, or None where the record does not have it."""
    found = record.timings.get("cost") or {}
    latency = found.get("latency") or {}
    value, unit = {
        "images/s": (record.timings.get("images_per_second"), 1.0),
        "parameters": (record.model.get("parameters"), 1e6),
        "GFLOPs": (found.get("flops"), 1e9),
        "p50 ms": (latency.get("p50_ms"), 1.0),
        "p95 ms": (latency.get("p95_ms"), 1.0),
        "memory": (found.get("peak_memory_bytes"), 2.0**30),
    }[name]
    # Stored predictions and baselines are read: how fast says nothing of a model.
    is_model = record.model.get("kind", "model") == "model"
    return None if value is None or not is_model else value / unit


def speed(record: Record) -> float | None:
    """Images a second of a model; None where there was none, and where it took less than a second."""
    found = cost(record, "images/s")
    return found if record.timings.get("seconds", SOON) >= SOON else None


def shown(record: Record, name: str) -> str:
    """The figure of this name with its digits, three significant ones where it is small; or nothing."""
    value = cost(record, name)
    if value is None:
        return ""
    return f"{value:.{COSTS[name].digits}f}" if value >= 1 else f"{value:.3g}"


def cost_in_words(record: Record) -> str:
    """One sentence on what a run cost, or nothing where that was not measured."""
    found = record.timings.get("cost")
    if not found:
        return ""
    height, width = found["flops_image"]
    latency = found["latency"]
    timed = f"{latency['images']} images one by one" if latency else ""
    words = [
        f"{shown(record, 'parameters')} M parameters" if shown(record, "parameters") else "",
        f"{shown(record, 'GFLOPs')} GFLOPs for an image of {height} x {width}" if found["flops"] else "",
        f"{shown(record, 'images/s')} images/s" if speed(record) else "",
        f"p50 {latency['p50_ms']:.1f} ms and p95 {latency['p95_ms']:.1f} ms ({timed})" if latency else "",
        f"at most {shown(record, 'memory')} GiB of the {found['peak_memory_of']}" if shown(record, "memory") else "",
    ]
    return f"{', '.join(word for word in words if word)}; on {device(record)}"


def inference(record: Record) -> str:
    """The settings that change predictions, in words; they are shown and never a reason to refuse."""
    settings, model = record.settings, record.model
    words = [
        _size("input", settings.get("input_size")),
        _window(settings),
        f"scales {', '.join(f'{scale:g}' for scale in settings['scales'])}" if settings.get("scales") else "",
        "mirrored too" if settings.get("flip") else "",
        "half precision" if settings.get("amp") else "",
        "compiled" if settings.get("compile") else "",
        *_objects(settings),
        f"resized ({settings['resize']})" if settings.get("resize", "no") != "no" else "",
        "stored predictions" if model.get("kind") == "predictions" else "",
        "made from the truth" if model.get("kind") == "baseline" else "",
        "counted in a loop" if model.get("kind") == "loop" else "",
    ]
    return ", ".join(word for word in words if word) or "full size"


def _size(what: str, size: Any) -> str:
    return f"{what} {size[0]} x {size[1]}" if size else ""


def _window(settings: Mapping[str, Any]) -> str:
    words = _size("windows of", settings.get("window"))
    return f"{words} sharing {100 * settings['overlap']:.0f} %" if words else ""


def _objects(settings: Mapping[str, Any]) -> list[str]:
    """What settings say of objects and of prompts."""
    threshold, most, prompts = (settings.get(name) for name in ("score_threshold", "detections", "prompts"))
    kind = {"points": "point", "boxes": "box"}.get(str(settings.get("prompt", "points" if prompts else "")), "")
    many = "boxes" if kind == "box" else "points"
    return [
        f"scores from {threshold:g}" if threshold is not None else "",
        f"at most {most} objects" if most is not None else "",
        (f"{prompts} {many} an object" if prompts and prompts > 1 else f"a {kind} an object") if kind else "",
    ]


def device(record: Record) -> str:
    """The device that a run was made on, with the number of threads where it is a CPU."""
    found = record.timings.get("cost")
    if not found:
        return "a device that the record does not name"
    return f"{found['device']}, {many(found['threads'], 'thread')}" if found["threads"] else str(found["device"])


def devices(records: Iterable[Record]) -> list[str]:
    """The devices that runs were made on, each once, with all the numbers of threads."""
    threads: dict[str, set[int]] = {}
    for record in records:
        found = record.timings.get("cost")
        if found:
            threads.setdefault(str(found["device"]).strip(), set()).add(int(found["threads"] or 0))
    return [
        f"{name}, {' and '.join(map(str, sorted(numbers - {0})))} {'thread' if numbers == {1} else 'threads'}"
        if numbers - {0}
        else name
        for name, numbers in sorted(threads.items())
    ]
