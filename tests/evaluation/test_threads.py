"""Work spread over threads: the order of results, the first failure, and nothing begun after it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from bench.kernels import threads


@pytest.fixture(autouse=True)
def _four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "processors", lambda: 4)


@pytest.mark.parametrize("count", [0, 1, 3, 100])
def test_results_come_in_the_order_of_the_parts(count: Any) -> None:
    assert [part * part for part in range(count)] == threads.spread(
        lambda part: part * part, range(count)
    )


def test_the_first_part_that_fails_is_told_and_nothing_is_begun_after_it() -> None:
    begun, gate = [], threading.Event()

    def work(part: int) -> int:
        begun.append(part)
        if part == 1:
            gate.wait(5)  # fails after part 2, and is told all the same
        if part in (1, 2):
            gate.set()
            raise ValueError(f"part {part}")
        return part

    with pytest.raises(ValueError, match="part 1"):
        threads.spread(work, range(10_000))
    assert len(begun) < 10_000
    assert not [thread for thread in threading.enumerate() if thread.name == "bench-begun"]


def test_work_inside_a_part_stops_when_another_part_fails() -> None:
    """Otherwise Ctrl-C would wait for a whole comparison, whose parts are the pairs of runs."""
    begun, gate = [], threading.Event()

    def inner(part: int) -> None:
        begun.append(part)
        gate.set()
        time.sleep(0.001)

    def outer(part: int) -> None:
        if part == 0:
            gate.wait(5)
            raise KeyboardInterrupt
        threads.spread(inner, range(2_000))

    with pytest.raises(KeyboardInterrupt):
        threads.spread(outer, range(2))
    assert 0 < len(begun) < 2_000
    assert not [thread for thread in threading.enumerate() if thread.name == "bench-begun"]
    assert [0, 1, 2] == threads.spread(lambda part: part, range(3))


def test_what_was_begun_tells_its_result_or_its_failure() -> None:
    assert 3 == threads.Begun(lambda: 3).result()
    with pytest.raises(ZeroDivisionError):
        threads.Begun(lambda: 1 // 0).result()
