"""What a prediction costs: floating-point operations, time, memory, and on which device.

torch is asked only where a model has loaded it, so that models of other runtimes are measured too. This module knows
neither images nor records.
"""

from __future__ import annotations

import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

Question = Callable[[], object]
"""One prediction, ready to be asked."""

WARM_UP = 5
"""Predictions before the first that is timed: libraries choose their kernels and compile in those."""


def flops(question: Question) -> int | None:
    """Floating-point operations of one prediction by torch's counter, a multiplication and an addition being two.

    It counts matrix products, convolutions and attention, which is nearly all; None where torch does not compute.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    from torch.utils.flop_counter import FlopCounterMode

    set_stance = getattr(torch.compiler, "set_stance", None)
    eager = set_stance("force_eager") if set_stance else nullcontext()
    with warnings.catch_warnings(), eager, FlopCounterMode(display=False) as counter:
        warnings.simplefilter("ignore")
        try:
            question()
        except Exception:  # noqa: BLE001 - a figure beside the scores must not end a run of hours
            return None
    return int(counter.get_total_flops()) or None


def latency(first: Question, questions: Iterable[Question], *, device: str, seconds: float = 120.0) -> dict[str, Any]:
    """How long predictions take one by one: milliseconds at p50 and p95, after asking `first` `WARM_UP` times.

    `first` is none of the others, for a model may remember what it has seen. It ends after `seconds`, but not before
    ten; `images` says how many were timed.
    """
    times: list[float] = []
    began = time.perf_counter()
    for _ in range(WARM_UP):
        first()
    for question in questions:
        _wait(device)
        start = time.perf_counter()
        question()
        _wait(device)
        times.append(time.perf_counter() - start)
        if len(times) >= 10 and time.perf_counter() - began > seconds:
            break
    p50, p95 = (1000 * float(value) for value in np.percentile(times, [50, 95]))
    return {"images": len(times), "warm_up": WARM_UP, "p50_ms": p50, "p95_ms": p95}


def forget_peak(device: str) -> None:
    """Begin to watch the memory of a GPU anew; a process remembers its own peak for good."""
    if device == "cuda":
        sys.modules["torch"].cuda.reset_peak_memory_stats()


def peak_memory(device: str) -> dict[str, Any]:
    """The most memory that was in use, in bytes: tensors on the GPU, or the whole process; None where unknown."""
    if device == "cuda":
        return {"peak_memory_bytes": int(sys.modules["torch"].cuda.max_memory_allocated()), "peak_memory_of": "GPU"}
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return {"peak_memory_bytes": None, "peak_memory_of": "process"}
    unit = 1 if sys.platform == "darwin" else 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"peak_memory_bytes": used, "peak_memory_of": "process"}


def where(device: str) -> dict[str, Any]:
    """The device by its maker's name and, where torch computes on the CPU, the number of its threads."""
    torch = sys.modules.get("torch")
    if device == "cuda" and torch is not None:
        return {"device": str(torch.cuda.get_device_name()), "threads": None}
    return {"device": _processor(), "threads": torch.get_num_threads() if torch is not None else None}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _wait(device: str) -> None:
    if device == "cuda":
        sys.modules["torch"].cuda.synchronize()
