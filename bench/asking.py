"""`bench.evaluate`: ask a model, a network or a function about a data set, and score the answers, from Python.

It counts and scores as `bench run` does, in memory unless a folder for the record is named. This module knows neither
arguments of a command nor tables for people.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import scoring
from bench.baselines import prompting
from bench.cards import Card, load_card
from bench.data import Data, Progress, open_data
from bench.evaluation import fitting, recording
from bench.evaluation import settings as setting_words
from bench.evaluation.choosing import rules_for
from bench.evaluation.jobs import Job
from bench.evaluation.result import Result
from bench.families import families
from bench.models import Model, Options, load, own
from bench.runs import Run, Tables


def evaluate(  # noqa: PLR0913 - what a person can say of an evaluation
    model: Any,
    dataset: str | Path | Data = "streets",
    *,
    data: str | Path | None = None,
    split: str | None = None,
    task: Any = None,
    metrics: str = "default",
    limit: int | None = None,
    name: str | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    options: Options | None = None,
    **settings: Any,
) -> Result:
    """Ask a model about every image of a data set and score the answers, as `bench run` does.

    `model` is an adapter's name, a torch network, a function of one image, a loader, or a Model; `data` is the folder
    of the data set; `options` say how it runs; `settings` are those of the rules (`regions`, `classes_in`, `interval`).
    Nothing is written unless `out` names a folder for the run record.

    Raises:
        InputError: what is wrong with model, data or answers.
    """
    setting_words.check(settings)
    root = Path(data) if data is not None else None
    wanted = replace(options or Options(), task=task or (options.task if options else None))
    card = dataset.card if isinstance(dataset, Data) else load_card(dataset)
    loaded = _model(model, card, wanted)
    # The model first: a wrong one should be known before a data set is drawn or read.
    opened = dataset if isinstance(dataset, Data) else open_data(str(dataset), split, root=root, limit=limit)
    samples = opened.samples[:limit]
    job = Job(
        card=opened.card,
        split=opened.split,
        samples=samples,
        name=name or str(loaded.identity["model"]),
        identity=dict(loaded.identity),
        settings=dict(loaded.settings),
        model=loaded,
        rules=rules_for(opened.card, loaded.task, metrics=metrics, **settings),
        task=loaded.task,
        sources={"data": str(opened.root.resolve())},
        notices=opened.notices,
    )
    fitting.require_crops(job)
    run = _in_memory(job, loaded, progress) if out is None else _recorded(job, Path(out), progress)
    return Result(scoring.rescore(run), opened.card.title, len(samples), run)


def _in_memory(job: Job, model: Model, progress: Progress | None) -> Run:
    counts: list[Tables] = []
    size = max(1, model.batch_size)
    for start in range(0, len(job.samples), size):
        batch = job.samples[start : start + size]
        answers = prompting.predict(model, [prompting.question(model, sample) for sample in batch])
        for position, (sample, found) in enumerate(zip(batch, answers, strict=True), start):
            tables: Tables = {}
            for each in families(job.rules.families):
                tables.update(each.count(job.card, job.rules, sample, found, position))
            counts.append(tables)
        if progress:
            progress(start + len(batch), len(job.samples))
    return recording.record(job, recording.tables(job, counts), {"images_counted": len(job.samples)}, Path())


def _recorded(job: Job, out: Path, progress: Progress | None) -> Run:
    from bench import evaluation

    return evaluation.evaluate(job, out=out, progress=progress)


def _model(model: Any, card: Card, options: Options) -> Model:
    if isinstance(model, str):
        return load(model, card, options)
    module, word = getattr(model, "__module__", "own"), getattr(model, "__qualname__", type(model).__name__)
    return own.adapted(model, f"{module}:{word}", card, options)
