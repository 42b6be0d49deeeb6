"""Work spread over threads: kernels release Python's lock, so that parts of a job run side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

Part = TypeVar("Part")
Done = TypeVar("Done")


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def spread(work: Callable[[Part], Done], parts: Sequence[Part]) -> list[Done]:
    """Do `work` on every part, on as many threads as there are processors; results come in the order of the parts.

    What is raised for the first part that fails is raised here.
    """
    workers = min(processors(), len(parts))
    if workers < 2:
        return [work(part) for part in parts]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, parts))
