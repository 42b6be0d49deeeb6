"""`bench.evaluate`: run a model, a network or a function on a data set and score its predictions,
from Python.

It counts and scores as `bench run` does, in memory unless a folder for the run record is given.
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
from bench.argument_names import for_python
from bench.cards import Card, load_card
from bench.classes import LabelSpace
from bench.evaluation import settings as setting_words
from bench.evaluation.boxes_only import boxes_of_truth
from bench.evaluation.choosing import rules_for
from bench.evaluation.class_tables import ClassesLike
from bench.evaluation.jobs import FromModel, Job
from bench.evaluation.result import Result
from bench.evaluation.rule_options import (
    AreaFrom,
    AreaRanges,
    BoundaryMode,
    ClassesIn,
    Crop0,
    IntervalMethod,
    IouThresholds,
    MaxDetections,
    Metrics,
    VocForm,
    given,
)
from bench.families import need_confidence
from bench.models import Model, Options, Task, load
from bench.models.own_code import adapting
from bench.notices import Notice
from bench.opening import Data, Progress
from bench.opening import open_data as open_split
from bench.runs import Run
from bench.scoring.selecting import selected


@for_python
def evaluate(  # noqa: PLR0913 - everything that a caller can choose
    model: Any,
    dataset: Any = "streets",
    *,
    data: str | Path | None = None,
    split: str | None = None,
    task: Task | None = None,
    metrics: Metrics = "default",
    limit: int | None = None,
    ids: str | Path | Sequence[str] | None = None,
    name: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | bool | None = None,
    options: Options | Mapping[str, Any] | None = None,
    classes: ClassesLike | None = None,
    ignore: int | Sequence[int] | None = None,
    label_space: LabelSpace | None = None,
    groups: str | None = None,
    regions: str | None = None,
    crop0: Crop0 | None = None,
    boundary_ratio: float | None = None,
    boundary_mode: BoundaryMode | None = None,
    classes_in: ClassesIn | None = None,
    area_from: AreaFrom | None = None,
    voc_form: VocForm | None = None,
    shown_from: float | None = None,
    max_detections: MaxDetections | None = None,
    iou_thresholds: IouThresholds | None = None,
    area_ranges: AreaRanges | None = None,
    interval: IntervalMethod | None = None,
) -> Result:
    """Run a model on every image of a data set and score its predictions, as `bench run` does.

    Args:
        model: the name of an adapter, a torch network, a function of one image, a loader of a
            model, or a model.
        dataset: the name of a card, a path ending in .toml, what `bench.open_data` returned, or,
            with `classes`, your own data set: pairs of image and target (`docs/python.md`).
        data: the folder of the data set, as for `bench run --data`.
        split: the split of the data set; None takes the card's default.
        task: the task to run, for models that support several.
        metrics: `default`, `all`, or names of metrics or families, in a sequence or with commas.
        limit: evaluate the first images only, so many.
        ids: which images: a list of ids, a file with one per line, or "all". For your own data set
            the id of each image.
        name: the name of the run in tables.
        out: write a run record below this folder; None writes nothing.
        overwrite: replace a record of the same run that has other counts.
        progress: True for a line on standard error, or a function of images done and in all.
        options: how the model runs: `bench.Options`, or a dict such as `{"batch_size": 4}`.
        classes: the classes of your own data set: names, a `bench.Classes`, or a card.
        ignore: values of your own label maps that do not count, such as -100.
        label_space: whether your own label maps hold "train-ids" or the "ids" of the card.
        groups: how the ids of your own images tell which belong together, such as "sequence".
        regions: score regions of label maps too, such as "crops,trimap=3:5".
        crop0: what the crop factor 0 means: the "full" image or the "base" crop.
        boundary_ratio: width of boundary bands, as a fraction of the image diagonal.
        boundary_mode: which classes boundary F-scores run over.
        classes_in: the classes that a mean runs over: those in the "truth", in the "union" of truth
            and predictions, or "all".
        area_from: take the area of objects from the "mask" or from the "box".
        voc_form: the protocol of VOC's instance AP.
        shown_from: score threshold of precision, recall and F1 of objects.
        max_detections: maximum detections per image, instead of COCO's 1, 10 and 100.
        iou_thresholds: thresholds of AP, instead of COCO's 0.5 to 0.95.
        area_ranges: area ranges in pixels, instead of COCO's small, medium and large.
        interval: the method of the 95 % intervals, or "none".

    Returns:
        The scores with their intervals.

    Raises:
        InputError: what is wrong with the arguments, the data or the predictions.
    """
    rules = given(
        regions=regions,
        crop0=crop0,
        boundary_ratio=boundary_ratio,
        boundary_mode=boundary_mode,
        classes_in=classes_in,
        area_from=area_from,
        voc_form=voc_form,
        shown_from=shown_from,
        max_detections=max_detections,
        iou_thresholds=iou_thresholds,
        area_ranges=area_ranges,
        interval=interval,
    )
    own = given(ignore=ignore, label_space=label_space, groups=groups)
    request = Request(
        data, split, task, metrics, limit, ids, name, out, classes, overwrite, rules, own
    )
    model_options = arguments.options(options, task)
    with follow(progress, name) as report:
        if not isinstance(dataset, str | Path | Data):
            from bench.api import own_data

            return own_data.evaluate(model, dataset, model_options, request, report)
        job = _job(model, dataset, model_options, request)
        run = _run(job, request, report)
    warnings = [
        Notice(warning.code, warning.message, warning.severity) for warning in run.record.warnings
    ]
    scored = replace(scoring.rescore(run), warnings=warnings)
    names = selected(job.rules, _words(metrics))
    return Result(scored, job.card.title, len(job.samples), run, names)


def _job(model: Any, dataset: str | Path | Data, options: Options, request: Request) -> Job:
    arguments.none_of("a data set with a card", classes=request.classes, **request.own)
    setting_words.check(request.settings)
    options = replace(
        options, confidence=options.confidence or need_confidence(_words(request.metrics))
    )
    card = dataset.card if isinstance(dataset, Data) else load_card(dataset)
    # The model first: a wrong one should be known before a data set is drawn or read.
    early = None if len(card.classes) else _opened(dataset, request)
    loaded = _model(model, early.card if early else card, options)
    rules = rules_for(card, loaded.task, metrics=request.metrics, **request.settings)
    data = early or _opened(dataset, request)
    box_notices = boxes_of_truth(data.samples, loaded.task, request.metrics)
    if box_notices:
        rules = rules_for(
            card, loaded.task, metrics=request.metrics, masks=False, **request.settings
        )
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
        notices=(*data.notices, *box_notices),
    )


def _words(metrics: Metrics) -> Sequence[str]:
    return metrics.split(",") if isinstance(metrics, str) else metrics


def _opened(dataset: str | Path | Data, request: Request) -> Data:
    if isinstance(dataset, Data):
        arguments.none_of(
            "a data set that is open already",
            data=request.data,
            split=request.split,
            ids=request.ids,
        )
        return dataset
    return open_split(
        str(dataset), request.split, root=request.data, limit=request.limit, ids=request.ids
    )


def _run(job: Job, request: Request, progress: Progress | None) -> Run:
    if request.out is None:
        return evaluation.evaluate_in_memory(job, progress=progress)
    out = Path(request.out).expanduser()
    return evaluation.evaluate(job, out=out, overwrite=request.overwrite, progress=progress)


def _model(model: Any, card: Card, options: Options) -> Model:
    if isinstance(model, str):
        return load(model, card, options)
    module, word = (
        getattr(model, "__module__", "own"),
        getattr(model, "__qualname__", type(model).__name__),
    )
    return adapting.adapted(model, f"{module}:{word}", card, options)
