"""`bench.evaluate`: ask a model, a network or a function about a data set, and score the answers, from Python.

It counts and scores as `bench run` does, in memory unless a folder for the record is named. This module knows neither
arguments of a command nor tables for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import evaluation, scoring
from bench.api import arguments
from bench.api.arguments import Request
from bench.api.following import follow
from bench.cards import Card, load_card
from bench.evaluation import settings as setting_words
from bench.evaluation.choosing import boxes_of_truth, rules_for
from bench.evaluation.jobs import FromModel, Job
from bench.evaluation.result import Result
from bench.evaluation.speaking import in_python
from bench.models import Model, Options, load
from bench.models.own_code import adapting
from bench.notices import Notice
from bench.opening import Data, Progress
from bench.opening import open_data as open_split
from bench.runs import Run

CALIBRATION = {"ECE", "MCE", "calibration"}
"""Metrics for which a model has to say how sure it is."""


@in_python
def evaluate(  # noqa: PLR0913 - what a person can say of an evaluation
    model: Any,
    dataset: Any = "streets",
    *,
    data: str | Path | None = None,
    split: str | None = None,
    task: Any = None,
    metrics: str | Sequence[str] = "default",
    limit: int | None = None,
    ids: str | Path | Sequence[str] | None = None,
    name: str | None = None,
    out: str | Path | None = None,
    progress: Progress | bool | None = None,
    options: Options | Mapping[str, Any] | None = None,
    classes: Any = None,
    overwrite: bool = False,
    **settings: Any,
) -> Result:
    """Ask a model about every image of a data set and score the answers, as `bench run` does.

    `model` is an adapter's name, a torch network, a function of one image, a loader, or a Model; `dataset` a card's
    name, a path ending in .toml, what `bench.open_data` has opened, or with `classes` a data set of your own: pairs of
    image and target (`docs/python.md`). `data` is the folder of the data set; `options` say how the model runs;
    `settings` are those of the rules (`regions`, `classes_in`, `interval`). `progress` is a function of images done and
    in all, or True for a line on standard error. Nothing is written unless `out` names a folder for the run record; one
    of the same question with other counts is replaced with `overwrite` only.

    Raises:
        InputError: what is wrong with model, data or answers.
    """
    request = Request(data, split, task, metrics, limit, ids, name, out, classes, overwrite, settings)
    wanted = arguments.options(options, task)
    with follow(progress, name) as report:
        if not isinstance(dataset, str | Path | Data):
            from bench.api import own_data

            return own_data.evaluate(model, dataset, wanted, request, report)
        job = _job(model, dataset, wanted, request)
        run = _run(job, request, report)
    warnings = [Notice(each.code, each.message, each.severity) for each in run.record.warnings]
    scored = replace(scoring.rescore(run), warnings=warnings)
    return Result(scored, job.card.title, len(job.samples), run)


def _job(model: Any, dataset: str | Path | Data, options: Options, request: Request) -> Job:
    arguments.none_of("a data set with a card", classes=request.classes)
    setting_words.check(request.settings)
    words = request.metrics.split(",") if isinstance(request.metrics, str) else request.metrics
    options = replace(options, confidence=options.confidence or not CALIBRATION.isdisjoint(words))
    card = dataset.card if isinstance(dataset, Data) else load_card(dataset)
    # The model first: a wrong one should be known before a data set is drawn or read.
    early = None if len(card.classes) else _opened(dataset, request)
    loaded = _model(model, early.card if early else card, options)
    rules = rules_for(card, loaded.task, metrics=request.metrics, **request.settings)
    data = early or _opened(dataset, request)
    said = boxes_of_truth(data.samples, loaded.task, request.metrics)
    if said:
        rules = rules_for(card, loaded.task, metrics=request.metrics, masks=False, **request.settings)
    return Job(
        card=data.card,
        split=data.split,
        samples=data.samples[: request.limit],
        name=request.name or str(loaded.identity["model"]),
        identity=dict(loaded.identity),
        settings=dict(loaded.settings),
        predictions=FromModel(loaded),
        rules=rules,
        task=loaded.task,
        sources={"data": str(data.root.resolve())},
        notices=(*data.notices, *said),
    )


def _opened(dataset: str | Path | Data, request: Request) -> Data:
    if isinstance(dataset, Data):
        arguments.none_of("a data set that is open already", data=request.data, split=request.split, ids=request.ids)
        return dataset
    return open_split(str(dataset), request.split, root=request.data, limit=request.limit, ids=request.ids)


def _run(job: Job, request: Request, progress: Progress | None) -> Run:
    if request.out is None:
        return evaluation.evaluate_in_memory(job, progress=progress)
    out = Path(request.out).expanduser()
    return evaluation.evaluate(job, out=out, overwrite=request.overwrite, progress=progress)


def _model(model: Any, card: Card, options: Options) -> Model:
    if isinstance(model, str):
        return load(model, card, options)
    module, word = getattr(model, "__module__", "own"), getattr(model, "__qualname__", type(model).__name__)
    return adapting.adapted(model, f"{module}:{word}", card, options)


open_data = in_python(arguments.checked(open_split), data="root", layout="layout_name")
