"""The cost of a prediction: floating-point operations, time, memory, and the device.

torch is used only if a model has loaded it, so that models of other runtimes are measured too. This
module knows neither images nor records.
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

Predict = Callable[[], object]
"""Runs one prediction."""

WARM_UP = 5
"""Predictions before the first timed one, in which libraries choose their kernels and compile."""


def flops(predict: Predict) -> int | None:
    """Floating-point operations of one prediction, by torch's counter.

    A multiplication and an addition are two operations. Matrix products, convolutions and attention
    are counted, which are nearly all. None if torch does not run the network.
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
            predict()
        except Exception:  # noqa: BLE001 - an extra figure must not end a run of hours
            return None
    return int(counter.get_total_flops()) or None


def latency(
    first: Predict, predictions: Iterable[Predict], *, device: str, seconds: float = 120.0
) -> dict[str, Any]:
    """Milliseconds per prediction, one image at a time: the median (p50) and p95.

    Args:
        first: runs `WARM_UP` times before the others; it must not be one of them, because a model
            may cache what it has seen.
        predictions: the predictions to time.
        device: where the model runs.
        seconds: the time limit; at least ten predictions are timed.

    Returns:
        `images`, the number of timed predictions; `warm_up`; `p50_ms`; `p95_ms`.
    """
    times: list[float] = []
    began = time.perf_counter()
    for _ in range(WARM_UP):
        first()
    for predict in predictions:
        _wait(device)
        start = time.perf_counter()
        predict()
        _wait(device)
        times.append(time.perf_counter() - start)
        if len(times) >= 10 and time.perf_counter() - began > seconds:
            break
    p50, p95 = (1000 * float(value) for value in np.percentile(times, [50, 95]))
    return {"images": len(times), "warm_up": WARM_UP, "p50_ms": p50, "p95_ms": p95}


def forget_peak(device: str) -> None:
    """Reset the peak memory of a GPU; that of a process cannot be reset."""
    if device == "cuda":
        sys.modules["torch"].cuda.reset_peak_memory_stats()


def peak_memory(device: str) -> dict[str, Any]:
    """Peak memory in bytes, of tensors on the GPU or of the whole process; None if unknown."""
    if device == "cuda":
        return {
            "peak_memory_bytes": int(sys.modules["torch"].cuda.max_memory_allocated()),
            "peak_memory_of": "GPU",
        }
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return {"peak_memory_bytes": None, "peak_memory_of": "process"}
    unit = 1 if sys.platform == "darwin" else 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"peak_memory_bytes": used, "peak_memory_of": "process"}


def where(device: str) -> dict[str, Any]:
    """The name of the device and, if torch runs on the CPU, its number of threads."""
    torch = sys.modules.get("torch")
    if device == "cuda" and torch is not None:
        return {"device": str(torch.cuda.get_device_name()), "threads": None}
    return {
        "device": _processor(),
        "threads": torch.get_num_threads() if torch is not None else None,
    }


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
