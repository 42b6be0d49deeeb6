"""Counting in threads while a model predicts; the counts come in the order of the images.

The order makes the same inputs give the same counts to the bit, however fast each thread is.

    threads        read 4   read 5   read 6          count 1   count 2
    this thread             predict 3 ...                               yield 0
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from bench.evaluation.counting import Counted, Counter
from bench.evaluation.predicting import Predictor

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")

_TOGETHER = 16
"""Most images that are counted from pairs at once; of few images, fewer, so that every thread has
work.
"""
_BATCHES_WAITING = 2
"""Batches of predictions that are counted while the model predicts the next one."""


def counts_of(
    counter: Counter, predictor: Predictor | None, already: set[int]
) -> Iterator[Sequence[Counted]]:
    """Yield the counts of all images, a batch at a time, in their order.

    Images at the positions `already` were counted before; a model predicts them again where they
    share a batch with others, so their counts may come a second time. Without a `predictor` the
    predictions are those that the job's reader finds.
    """
    # Imported here, because it loads logging, which evaluations that count all images at once
    # do not need.
    from concurrent.futures import ThreadPoolExecutor

    workers = min(8, (os.cpu_count() or 1) + 1)
    with ThreadPoolExecutor(workers, thread_name_prefix="bench-count") as pool:
        try:
            if predictor is None:
                yield from _stored(counter, already, pool, workers)
            else:
                yield from _predicted(counter, predictor, already, pool)
        except BaseException:
            # Also at Ctrl-C and when the caller stops early: the images that wait in the queue are
            # not counted, because their results are not used.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _stored(
    counter: Counter, already: set[int], pool: ThreadPoolExecutor, workers: int
) -> Iterator[Sequence[Counted]]:
    all_positions = range(len(counter.job.samples))
    positions = [position for position in all_positions if position not in already]
    size = 1
    if counter.pairing:
        size = max(1, min(_TOGETHER, len(positions) // (4 * workers)))
    batches = [positions[start : start + size] for start in range(0, len(positions), size)]
    for counted in _in_order(pool, counter.several, batches, ahead=4 * workers):
        yield [counted]


def _predicted(
    counter: Counter, predictor: Predictor, already: set[int], pool: ThreadPoolExecutor
) -> Iterator[Sequence[Counted]]:
    samples, size = predictor.samples, predictor.batch_size
    # Batches begin at fixed positions, so that a resumed run gives the network exactly the batches
    # of an uninterrupted one: on a GPU, the results of an image can depend on its batch.
    starts = range(0, len(samples), size)
    batches = [range(start, min(start + size, len(samples))) for start in starts]
    batches = [batch for batch in batches if not already.issuperset(batch)]
    positions = [position for batch in batches for position in batch]
    questions = _in_order(
        pool, lambda position: predictor.question(samples[position]), positions, ahead=2 * size
    )
    waiting: deque[list[Future[Counted]]] = deque()
    for batch in batches:
        predictions = predictor.predict(batch, [next(questions) for _ in batch])
        pairs = zip(batch, predictions, strict=True)
        waiting.append([pool.submit(counter.predicted, *pair) for pair in pairs])
        while len(waiting) > _BATCHES_WAITING:
            yield [future.result() for future in waiting.popleft()]
    for futures in waiting:
        yield [future.result() for future in futures]


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], *, ahead: int
) -> Iterator[Result]:
    """Map over items in threads, at most `ahead` at a time, and yield the results in order."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
