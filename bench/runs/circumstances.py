"""How a run was made: the settings that change predictions, and the cost of predicting.

It turns run records into words and figures for `bench show`, boards and plots. No comparison is
refused because of them. It knows no markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.notices import many
from bench.runs import Record


@dataclass(frozen=True)
class CostColumn:
    """A cost as a column or an axis: its title with the unit, and its number of decimal places."""

    title: str
    digits: int


COSTS: Mapping[str, CostColumn] = {
    "images/s": CostColumn("images/s", 1),
    "parameters": CostColumn("parameters (M)", 1),
    "GFLOPs": CostColumn("GFLOPs", 1),
    "p50 ms": CostColumn("p50 (ms)", 1),
    "p95 ms": CostColumn("p95 (ms)", 1),
    "memory": CostColumn("memory (GiB)", 2),
}
"""The costs that tables and plots can show. GFLOPs are for one image, as counted by torch."""
MIN_TIMED_SECONDS = 1.0
"""Below this duration, start-up dominates and images/s is not shown."""
SAME_EVERYWHERE = ("parameters", "GFLOPs")
"""Costs that do not depend on the device."""


def cost(record: Record, name: str) -> float | None:
    """The cost of this name in the unit of its title, or None if it was not measured."""
    # Stored predictions and baselines are only read; their speed says nothing about a model.
    if record.model.get("kind", "model") != "model":
        return None
    measured = record.timings.get("cost") or {}
    latency = measured.get("latency") or {}
    value, unit = {
        "images/s": (record.timings.get("images_per_second"), 1.0),
        "parameters": (record.model.get("parameters"), 1e6),
        "GFLOPs": (measured.get("flops"), 1e9),
        "p50 ms": (latency.get("p50_ms"), 1.0),
        "p95 ms": (latency.get("p95_ms"), 1.0),
        "memory": (measured.get("peak_memory_bytes"), 2.0**30),
    }[name]
    return None if value is None else value / unit


def speed(record: Record) -> float | None:
    """Images per second of a model; None without a model or if the run took less than a second."""
    if record.timings.get("seconds", MIN_TIMED_SECONDS) < MIN_TIMED_SECONDS:
        return None
    return cost(record, "images/s")


def cost_text(record: Record, name: str) -> str:
    """A cost with its decimal places, or three significant digits below 1; "" if unknown."""
    value = cost(record, name)
    if value is None:
        return ""
    return f"{value:.{COSTS[name].digits}f}" if value >= 1 else f"{value:.3g}"


def cost_sentence(record: Record) -> str:
    """All measured costs of a run, without a full stop; "" if nothing was measured."""
    measured = record.timings.get("cost")
    if not measured:
        return ""
    parts = []
    if parameters := cost_text(record, "parameters"):
        parts.append(f"{parameters} M parameters")
    if measured["flops"]:
        height, width = measured["flops_image"]
        parts.append(f"{cost_text(record, 'GFLOPs')} GFLOPs per image of {height} x {width}")
    if speed(record):
        parts.append(f"{cost_text(record, 'images/s')} images/s")
    if latency := measured["latency"]:
        parts.append(
            f"latency p50 {latency['p50_ms']:.1f} ms and p95 {latency['p95_ms']:.1f} ms "
            f"at batch size 1 ({latency['images']} images)"
        )
    if memory := cost_text(record, "memory"):
        parts.append(f"peak memory {memory} GiB ({measured['peak_memory_of']})")
    return f"{', '.join(parts)}; on {device(record)}"


def inference_text(record: Record) -> str:
    """The settings that change predictions; `full size` if there are none."""
    settings = record.settings
    parts = []
    if size := settings.get("input_size"):
        parts.append(f"input size {size[0]} x {size[1]}")
    if window := settings.get("window"):
        overlap = f"{100 * settings['overlap']:.0f} % overlap"
        parts.append(f"windows of {window[0]} x {window[1]} with {overlap}")
    if settings.get("scales"):
        parts.append(f"scales {', '.join(f'{scale:g}' for scale in settings['scales'])}")
    flags = {"flip": "flipped too", "amp": "half precision", "compile": "compiled"}
    parts += [text for name, text in flags.items() if settings.get(name)]
    parts += _object_settings(settings)
    if settings.get("resize", "no") != "no":
        parts.append(f"resized ({settings['resize']})")
    kinds = {
        "predictions": "stored predictions",
        "baseline": "made from the ground truth",
        "loop": "counted in your own loop",
    }
    if kind := kinds.get(str(record.model.get("kind"))):
        parts.append(kind)
    return ", ".join(parts) or "full size"


def _object_settings(settings: Mapping[str, Any]) -> list[str]:
    """The settings of detections and prompts."""
    parts = []
    if settings.get("score_threshold") is not None:
        parts.append(f"score threshold {settings['score_threshold']:g}")
    if settings.get("detections") is not None:
        parts.append(f"at most {settings['detections']} detections per image")
    prompts = settings.get("prompts")
    prompt = settings.get("prompt", "points" if prompts else None)
    if prompt == "points":
        parts.append(f"{many(prompts or 1, 'point')} per object")
    elif prompt == "boxes":
        parts.append("1 box per object")
    return parts


def device(record: Record) -> str:
    """The device of a run, with the number of threads for a CPU."""
    measured = record.timings.get("cost")
    if not measured:
        return "an unknown device"
    name = str(measured["device"])
    return f"{name}, {many(measured['threads'], 'thread')}" if measured["threads"] else name


def devices(records: Iterable[Record]) -> list[str]:
    """The distinct devices of several runs, each with all its numbers of threads."""
    threads: dict[str, set[int]] = {}
    for record in records:
        measured = record.timings.get("cost")
        if measured:
            name = str(measured["device"]).strip()
            threads.setdefault(name, set()).add(int(measured["threads"] or 0))
    return [_with_threads(name, numbers - {0}) for name, numbers in sorted(threads.items())]


def _with_threads(name: str, numbers: set[int]) -> str:
    if not numbers:
        return name
    noun = "thread" if numbers == {1} else "threads"
    return f"{name}, {' and '.join(map(str, sorted(numbers)))} {noun}"
