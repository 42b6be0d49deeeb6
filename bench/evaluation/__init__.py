"""One evaluation from a job to its run: read, predict, count, score; with a record on disk or in
memory.

What was counted survives an interruption in a journal. This room knows neither tables for people
nor significance.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench import runs
from bench.errors import DataError, InputError, RunError
from bench.evaluation import cost, fitting, recording
from bench.evaluation.counting import Counted, Counter, joined
from bench.evaluation.jobs import FromModel, FromReader, Job
from bench.evaluation.keeping import Keeper
from bench.evaluation.predicting import Predictor
from bench.evaluation.stored import notices_of
from bench.evaluation.threads import counts_of
from bench.notices import Notice
from bench.runs import Run, Tables
from bench.runs.journal import Journal

Progress = Callable[[int, int], None]
"""Called with (images done, images in all)."""

_FLUSH_SECONDS = 1.0


def evaluate(
    job: Job,
    *,
    out: Path,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Count every image of the job, score the counts, and write the run record below `out`.

    After Ctrl-C (KeyboardInterrupt) a journal is left, from which `resume=True` continues. An
    existing record of the same job with other counts is replaced only with `overwrite`.

    Raises:
        DataError, PredictionError: what is wrong with which file.
        RunError: the journal belongs to another job, or there is a record with other counts.
    """
    _require_images(job)
    path = job.path(out)
    if resume and (path / "run.json").is_file() and not runs.partial_folder(path).is_dir():
        return runs.read(path)
    sources = {**job.sources, **({"save_predictions": True} if job.save_predictions else {})}
    journal = Journal(path, {**job.asked, "sources": sources}, resume=resume)
    parts = journal.done()
    already = {int(position) for part in parts for position in part["done"]["image"]}
    keeper = Keeper(job, journal.folder) if job.save_predictions else None
    counter, predictor = Counter.of(job, keeper), _predictor(job)
    started = time.perf_counter()
    try:
        if keeper:
            keeper.begin()
        if predictor:
            cost.begin(predictor.model)
        new, notices = _count(counter, predictor, already, journal, progress)
        if keeper:
            keeper.finish()
    except InputError:
        # Corrected prediction files are another run, which cannot continue from this journal; the
        # predictions of a network can.
        if predictor is None or not journal.done():
            journal.discard()
        raise
    seconds = time.perf_counter() - started
    timings = _timings(job, predictor, seconds, resumed=len(already))
    tables = recording.tables(job, parts + new)
    job = replace(job, notices=(*job.notices, *notices))
    try:
        # Scores are computed while the counts are written.
        with runs.writing(path, tables, overwrite=overwrite) as finish:
            run = finish(recording.record(job, tables, timings, path).record)
    except RunError:
        # What a network has predicted is worth keeping: --resume --overwrite writes it.
        if predictor is None:
            journal.discard()
        raise
    return run


def evaluate_in_memory(job: Job, *, progress: Progress | None = None) -> Run:
    """Count every image of the job and score the counts; nothing is written.

    Raises:
        DataError, PredictionError: what is wrong with which file.
    """
    _require_images(job)
    parts, notices = _count(Counter.of(job), _predictor(job), set(), None, progress)
    tables = recording.tables(job, parts)
    job = replace(job, notices=(*job.notices, *notices))
    return recording.record(job, tables, {"images_counted": len(job.samples)}, Path())


def _require_images(job: Job) -> None:
    if not job.samples:
        raise DataError(f"{job.card.title} {job.split}: there is no image to evaluate")
    fitting.require_crops(job)


def _predictor(job: Job) -> Predictor | None:
    """The predictor that asks the model of the job, if it has one."""
    source = job.predictions
    return Predictor(source.model, job.samples) if isinstance(source, FromModel) else None


def _count(
    counter: Counter,
    predictor: Predictor | None,
    already: set[int],
    journal: Journal | None,
    progress: Progress | None,
) -> tuple[list[Tables], tuple[Notice, ...]]:
    """Count the images that are not `already` counted: their tables, and what their readers
    noticed.
    """
    columns = None if already else counter.columns()
    if columns is not None:
        parts = [counter.whole(*columns)]
    else:
        parts = _count_rest(counter, predictor, already, journal, progress)
    source = counter.job.predictions
    notices = notices_of(source.read) if isinstance(source, FromReader) else ()
    return parts, (*notices, *(notice for side in columns or () for notice in side.notices))


def _count_rest(
    counter: Counter,
    predictor: Predictor | None,
    already: set[int],
    journal: Journal | None,
    progress: Progress | None,
) -> list[Tables]:
    """Count image by image, and write to the journal about once a second and when interrupted."""
    parts: list[Tables] = []
    pending: list[Counted] = []
    flushed, finished, total = time.monotonic(), len(already), len(counter.job.samples)

    def flush() -> None:
        if pending:
            positions, counts = joined(pending)
            parts.append({"done": {"image": np.array(positions, dtype=np.int32)}, **counts})
            if journal is not None:
                journal.append(parts[-1])
            pending.clear()

    if progress:
        progress(finished, total)
    try:
        for batch in counts_of(counter, predictor, already):
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


def _timings(
    job: Job, predictor: Predictor | None, seconds: float, *, resumed: int
) -> dict[str, object]:
    counted = len(job.samples) - resumed
    timings: dict[str, object] = {
        "seconds": seconds,
        "images_counted": counted,
        "images_resumed": resumed,
        "images_per_second": counted / seconds if counted and seconds > 0 else None,
    }
    if predictor is not None and isinstance(job.predictions, FromModel) and counted:
        timings["cost"] = cost.cost(predictor, latency=job.predictions.latency)
    return timings
