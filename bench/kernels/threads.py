"""Work spread over threads: kernels release Python's lock, so that parts of a job run side by side.

It does without `concurrent.futures`, whose logging takes as long to load as a small data set takes
to score.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Part = TypeVar("Part")
Done = TypeVar("Done")

_here = threading.local()
"""`around`: what failed so far in each of the spreads that this thread works for."""


class Begun(Generic[Done]):
    """Work that goes on in a thread of its own until its result is asked for."""

    def __init__(self, work: Callable[[], Done]) -> None:
        """Start at once."""
        self._done: list[Done] = []
        self._failed: list[BaseException] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), name="bench-begun")
        self._thread.start()

    def result(self) -> Done:
        """Wait for the end of the work and return what it returned, or raise what it raised."""
        # A join that Ctrl-C interrupts takes the thread for ended (until Python 3.13). Python
        # itself would then end while it is in a kernel, and C++ say "terminate called without an
        # active exception".
        self._ended.wait()
        self._thread.join()
        if self._failed:
            raise self._failed[0]
        return self._done[0]

    def _run(self, work: Callable[[], Done]) -> None:
        try:
            self._done.append(work())
        except BaseException as problem:  # noqa: BLE001 - raised again where the result is asked for
            self._failed.append(problem)
        finally:
            self._ended.set()


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def spread(work: Callable[[Part], Done], parts: Sequence[Part]) -> list[Done]:
    """Do `work` on every part, on as many threads as there are processors; results come in the
    order of the parts.

    What is raised for the first part that fails is raised here, when the parts that were begun have
    come to an end. A part may itself call `spread`; once a part around that call has failed, no
    further part of it is begun.
    """
    workers = min(processors(), len(parts))
    if workers < 2:
        return [work(part) for part in parts]
    done: dict[int, Done] = {}
    failed: dict[int, BaseException] = {}
    waiting = deque(range(len(parts)))
    around: tuple[dict[int, BaseException], ...] = getattr(_here, "around", ())

    def take_turns() -> None:
        _here.around = (*around, failed)
        while waiting and not any(_here.around):
            try:
                index = waiting.popleft()
            except IndexError:
                break  # another thread was faster
            try:
                done[index] = work(parts[index])
            except BaseException as problem:  # noqa: BLE001 - raised again below
                failed[index] = problem
        _here.around = around

    others = [Begun(take_turns) for _ in range(workers - 1)]
    try:
        take_turns()
    finally:
        waiting.clear()  # an interrupt does not wait for parts that have not started
        for other in others:
            other.result()
    for problems in (failed, *around):
        if problems:
            raise problems[min(problems)]
    return [done[index] for index in range(len(parts))]
