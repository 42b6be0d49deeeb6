"""The loop of an evaluation: read, predict, count, record; what was counted survives an interruption.

Reading and counting go on in threads while the model predicts; results are taken in the order of the images, so that
the same inputs give the same counts to the bit. This module knows neither tables for people nor significance.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bench import images, runs
from bench.errors import DataError, InputError, PredictionError, RunError, UsageError
from bench.evaluation import fitting, recording
from bench.evaluation.cost import Meter
from bench.evaluation.jobs import Job, notices_of
from bench.evaluation.keeping import Keeper
from bench.families import CountsColumns, CountsPairs, Family, families
from bench.runs import Run, Tables
from bench.runs.journal import Journal
from bench.samples import Instances, LabelMap, Prediction, PromptedMasks, Sample, Segments, Table

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from bench.samples.columns import DetectionColumns, TruthColumns

Progress = Callable[[int, int], None]
"""Called with (images done, images in all)."""

_FLUSH_SECONDS = 1.0
Item = TypeVar("Item")
Result = TypeVar("Result")
Counted = tuple[Sequence[int], Mapping[str, Table]]
"""Positions of images, and their counts by table."""

_TOGETHER = 16
"""Most images that are counted from pairs at once; with few images they are fewer, so that every thread has some."""


def evaluate(
    job: Job, *, out: Path, resume: bool = False, overwrite: bool = False, progress: Progress | None = None
) -> Run:
    """Count every image of the job, score the counts, and write the run record below `out`.

    Ctrl-C (KeyboardInterrupt) leaves a journal from which `resume=True` goes on. A record of the same question that
    holds other counts is replaced with `overwrite` only.

    Raises:
        DataError, PredictionError: what is wrong with which file.
        RunError: the journal to resume belongs to another question, or a record with other counts is there.
    """
    if not job.samples:
        raise DataError(f"{job.card.title} {job.split}: there is no image to evaluate")
    fitting.require_crops(job)
    path = job.path(out)
    if resume and (path / "run.json").is_file() and not runs.partial_folder(path).is_dir():
        return runs.read(path)
    sources = {**job.sources, **({"save_predictions": True} if job.save_predictions else {})}
    journal = Journal(path, {**job.asked, "sources": sources}, resume=resume)
    parts = journal.done()
    already = {int(position) for part in parts for position in part["done"]["image"]}
    started = time.perf_counter()
    keeper = Keeper(job, journal.folder) if job.save_predictions else None
    counter = _Counter(job, keeper, families(job.rules.families))
    meter = Meter(job, job.model) if job.model else None
    try:
        if keeper:
            keeper.begin()
        if meter:
            meter.begin()
        columns = None if already else _columns(counter)
        whole = None if columns is None else _count_whole(counter, *columns)
        parts += _count_rest(counter, meter, journal, already, progress) if whole is None else [whole]
        if keeper:
            keeper.finish()
    except InputError:
        # Mended predictions are other files, hence another run; what a network has predicted is worth resuming.
        if job.model is None or not journal.done():
            journal.discard()
        raise
    seconds = time.perf_counter() - started
    counted = len(job.samples) - len(already)
    timings = {
        "seconds": seconds,
        "images_counted": counted,
        "images_resumed": len(already),
        "images_per_second": counted / seconds if counted and seconds > 0 else None,
        **({"cost": meter.cost()} if meter and counted else {}),
    }
    tables = recording.tables(job, parts)
    told = (*notices_of(job.read_prediction), *(notice for each in columns or () for notice in each.notices))
    job = replace(job, notices=(*job.notices, *told))
    try:
        with runs.writing(path, tables, overwrite=overwrite) as finish:  # scoring and writing counts go side by side
            run = finish(recording.record(job, tables, timings, path).record)
    except RunError:
        if job.model is None:  # what a network has predicted is worth keeping: --resume --overwrite writes it
            journal.discard()
        raise
    return run


@dataclass(frozen=True, eq=False)
class _Counter:
    """Counts one image, or several in turn; called from threads."""

    job: Job
    keeper: Keeper | None
    families: Sequence[Family]

    @property
    def paired(self) -> list[CountsPairs]:
        """The families, where all of them count several images at once from pairs of labels or of segments."""
        job = self.job
        able: list[CountsPairs] = [each for each in self.families if isinstance(each, CountsPairs)]
        enough = len(able) == len(self.families) and all(each.counts_pairs(job.rules) for each in able)
        return able if enough and job.read_pairs and not job.resize else []

    def together(self, positions: Sequence[int]) -> Counted:
        """Count several images: from pairs, or one after the other where they cannot be read so."""
        job, paired = self.job, self.paired
        samples = [job.samples[position] for position in positions]
        pairs = job.read_pairs(samples) if job.read_pairs and paired else None
        if pairs is None:
            return _joined([self(position) for position in positions])
        tables: dict[str, Table] = {}
        for each in paired:
            tables.update(each.count_pairs(job.card, pairs, np.array(positions, dtype=np.int32)))
        return positions, tables

    def __call__(self, position: int, prediction: Prediction | None = None) -> Counted:
        job, sample = self.job, self.job.samples[position]
        if len(self.families) > 1 or job.resize:
            sample = replace(sample, truth=sample.truth.once())
        if prediction is None:
            if job.read_prediction is None:
                raise UsageError("a job needs a model or stored predictions")
            prediction = job.read_prediction(sample)
        if self.keeper is not None:
            self.keeper.add(position, prediction)
        if job.resize and isinstance(prediction, LabelMap):
            size = sample.truth.semantic().size
            if prediction.size != size:
                maps = (prediction.ids, prediction.values)
                ids, values = (None if each is None else images.resize_nearest(each, size) for each in maps)
                prediction = LabelMap(images.resize_nearest(prediction.labels, size), ids, values=values)
        tables: dict[str, Table] = {}
        try:
            for each in self.families:
                tables.update(each.count(job.card, job.rules, sample, prediction, position))
        except PredictionError:
            if job.model is not None:
                refuse_unequal_image(sample, prediction)
            raise
        return (position,), tables


def refuse_unequal_image(sample: Sample, prediction: Prediction) -> None:
    """Say that an image and its truth differ in size, which is no fault of a model that answers in the image's size.

    Raises:
        DataError: they do.
    """
    truth = sample.truth
    if isinstance(prediction, PromptedMasks):
        return  # asked for objects of the truth, in its size
    true: LabelMap | Instances | Segments
    if isinstance(prediction, LabelMap):
        true = truth.semantic()
    else:
        true = truth.instances() if isinstance(prediction, Instances) else truth.segments()
    (tall, wide), (height, width) = prediction.size, true.size
    if (tall, wide) != (height, width):
        raise DataError(
            f"{sample.id}: the image is {tall}x{wide} pixels (height x width) and its truth {height}x{width}: they "
            "belong to other images, or one of the two was resized; bring both to one size"
        )


def _joined(counted: Sequence[Counted]) -> Counted:
    names = counted[0][1]
    positions = [position for positions, _ in counted for position in positions]
    return positions, {name: runs.concatenate([tables[name] for _, tables in counted]) for name in names}


def _columns(counter: _Counter) -> tuple[TruthColumns, DetectionColumns] | None:
    """All images in one piece, where the layout reads and all families count that way."""
    able = all(isinstance(each, CountsColumns) for each in counter.families)
    return counter.job.read_columns() if counter.job.read_columns and able else None


def _count_whole(counter: _Counter, truth: TruthColumns, found: DetectionColumns) -> Tables:
    tables: Tables = {"done": {"image": np.arange(len(counter.job.samples), dtype=np.int32)}}
    for each in counter.families:
        if isinstance(each, CountsColumns):
            tables.update(each.count_columns(counter.job.rules, truth, found))
    return tables


def _count_rest(
    counter: _Counter, meter: Meter | None, journal: Journal, already: set[int], progress: Progress | None
) -> list[Tables]:
    """Count what the journal lacks, writing to it about once a second and once more when interrupted."""
    parts: list[Tables] = []
    pending: list[Counted] = []
    flushed, finished, total = time.monotonic(), len(already), len(counter.job.samples)

    def flush() -> None:
        if pending:
            positions, counts = _joined(pending)
            parts.append({"done": {"image": np.array(positions, dtype=np.int32)}, **counts})
            journal.append(parts[-1])
            pending.clear()

    if progress:
        progress(finished, total)
    try:
        for batch in _counted(counter, meter, already):
            fresh = [counted for counted in batch if already.isdisjoint(counted[0])]
            pending.extend(fresh)
            finished += sum(len(positions) for positions, _ in fresh)
            if progress:
                progress(finished, total)
            if time.monotonic() - flushed > _FLUSH_SECONDS:
                flush()
                flushed = time.monotonic()
    finally:
        flush()
    return parts


def _counted(counter: _Counter, meter: Meter | None, already: set[int]) -> Iterator[Sequence[Counted]]:
    """Yield counts in the order of the images, a batch at a time."""
    from concurrent.futures import ThreadPoolExecutor  # with its logging, for those who do not count in one piece

    workers = min(8, (os.cpu_count() or 1) + 1)
    with ThreadPoolExecutor(workers, thread_name_prefix="bench-count") as pool:
        try:
            if meter is None:
                positions = [position for position in range(len(counter.job.samples)) if position not in already]
                size = max(1, min(_TOGETHER, len(positions) // (4 * workers))) if counter.paired else 1
                batches = [positions[start : start + size] for start in range(0, len(positions), size)]
                for counted in _in_order(pool, counter.together, batches, ahead=4 * workers):
                    yield [counted]
            else:
                yield from _counted_with_model(counter, meter, already, pool)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _counted_with_model(
    counter: _Counter, meter: Meter, already: set[int], pool: ThreadPoolExecutor
) -> Iterator[Sequence[Counted]]:
    samples, size = counter.job.samples, meter.batch_size
    # Batches are cut at fixed positions, so that a resumed run feeds the network the very batches of an unbroken one.
    batches = [range(start, min(start + size, len(samples))) for start in range(0, len(samples), size)]
    batches = [batch for batch in batches if not already.issuperset(batch)]
    flat = [position for batch in batches for position in batch]
    questions = _in_order(pool, lambda position: meter.question(samples[position]), flat, ahead=2 * size)
    waiting: deque[list[Future[Counted]]] = deque()
    for batch in batches:
        predictions = meter.predict(batch, [next(questions) for _ in batch])
        waiting.append([pool.submit(counter, p, found) for p, found in zip(batch, predictions, strict=True)])
        while len(waiting) > 2:
            yield [future.result() for future in waiting.popleft()]
    for futures in waiting:
        yield [future.result() for future in futures]


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], *, ahead: int
) -> Iterator[Result]:
    """Map over items in threads, at most `ahead` of them at a time, and yield the results in order."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
