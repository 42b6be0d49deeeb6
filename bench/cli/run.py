"""`bench run`: a model on a data set, from images to a table of scores and a run record."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli import console, jobs, model_options, words
from bench.cli.options import (
    AreaFrom,
    AreaRanges,
    AsJson,
    BoundaryMode,
    ClassesIn,
    Crop0,
    DataFolder,
    DatasetName,
    IdsFile,
    IntervalChoice,
    IouThresholds,
    LayoutName,
    Limit,
    MaxDetections,
    Metrics,
    Name,
    Out,
    Overwrite,
    Regions,
    Resume,
    ShownFrom,
    SplitName,
    VocForm,
)


def run(  # noqa: PLR0913 - an option each
    *,
    model: model_options.ModelName,
    dataset: DatasetName = "streets",
    split: SplitName = None,
    data: DataFolder = None,
    weights: model_options.Weights = None,
    task: model_options.Task = None,
    device: model_options.Device = "auto",
    batch_size: model_options.BatchSize = None,
    amp: model_options.Amp = False,
    compile_: model_options.Compile = False,
    input_size: model_options.InputSize = None,
    window: model_options.Window = None,
    overlap: model_options.Overlap = None,
    scales: model_options.Scales = None,
    flip: model_options.Flip = False,
    score_threshold: model_options.ScoreThreshold = None,
    detections: model_options.Detections = None,
    prompt: model_options.Prompt = "points",
    prompts: model_options.Prompts = 1,
    config: model_options.Sidecar = None,
    limit: Limit = None,
    ids: IdsFile = None,
    layout: LayoutName = None,
    metrics: Metrics = "default",
    regions: Regions = "",
    crop0: Crop0 = None,
    boundary_mode: BoundaryMode = None,
    classes_in: ClassesIn = None,
    area_from: AreaFrom = None,
    voc_form: VocForm = None,
    shown_from: ShownFrom = None,
    max_detections: MaxDetections = None,
    iou_thresholds: IouThresholds = None,
    area_ranges: AreaRanges = None,
    interval: IntervalChoice = None,
    name: Name = None,
    out: Out = Path("runs"),
    resume: Resume = False,
    overwrite: Overwrite = False,
    save_predictions: Annotated[
        bool, typer.Option("--save-predictions", help="Keep the predictions in the data set's official format.")
    ] = False,
    latency: Annotated[
        bool, typer.Option("--latency", help="Also time up to 50 images one by one: p50 and p95.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Run a model on a data set and score it.

    Writes a run record, from which bench show and later comparisons need neither images nor the model.

    Example:  bench run --model deeplab --dataset cityscapes --data ~/cityscapes --weights mine.pth
    """
    given = dict(locals())
    from bench import models
    from bench import opening as data_sets
    from bench.evaluation.answered import files_digest
    from bench.evaluation.choosing import boxes_of_truth, require_rules, rules_for
    from bench.evaluation.jobs import FromModel, Job

    further: dict[str, Any] = {"overlap": overlap} if overlap is not None else {}
    if scales is not None:
        further["scales"] = model_options.numbers("--scales", scales)
    options = models.Options(
        weights=weights,
        task=task,
        device=device,
        batch_size=batch_size,
        amp=amp,
        compile=compile_,
        input_size=model_options.size("--input-size", input_size),
        window=model_options.size("--window", window),
        flip=flip,
        confidence=not jobs.FOR_CONFIDENCE.isdisjoint(metrics.split(",")),
        score_threshold=score_threshold,
        detections=detections,
        prompt=prompt,
        prompts=prompts,
        sidecar=config,
        **further,
    )
    # Checks without torch come first, because loading torch takes seconds. A data set that is read is opened next; one
    # that must be drawn takes longer, so the model is loaded before it and a wrong checkpoint is reported early.
    jobs.require_folder(out)
    question = data_sets.asked(dataset, split, layout_name=layout, ids=ids, limit=limit)
    card = question.card
    answers = models.check(model, card, options)
    drawn_later = data_sets.draws(card, question.split, data)
    opened = None if drawn_later else jobs.open_asked(question, root=data, quiet=as_json)
    asked = jobs.settings_of(given)
    require_rules(opened.card if opened else card, answers, **asked)
    with console.prints_aside(wanted=as_json):
        loaded = models.load(model, opened.card if opened else card, options)
    opened = opened or jobs.open_asked(question, root=data, quiet=as_json)
    boxes = boxes_of_truth(opened.samples, loaded.task, metrics)
    rules = rules_for(opened.card, loaded.task, masks=not boxes, **asked)
    job = Job(
        card=opened.card,
        split=opened.split,
        samples=opened.samples,
        name=name or model,
        identity=dict(loaded.identity),
        settings=dict(loaded.settings),
        predictions=FromModel(loaded, latency=latency),
        rules=rules,
        task=loaded.task,
        save_predictions=save_predictions,
        sources={"data": str(opened.root.resolve())},
        files=None if answers is None else files_digest(opened.root, out),
        notices=(*opened.notices, *boxes),
    )
    another = _other(given, opened.split) if dataset == "streets" and loaded.task == "semantic" else ""
    another = another or jobs.against_shuffled(given, loaded.task, len(opened.samples))
    return jobs.carry_out(job, out=out, resume=resume, overwrite=overwrite, as_json=as_json, another=another)


def _other(given: Mapping[str, Any], split: str) -> str:
    """The same command for another model that ships weights for streets."""
    model = "deeplab" if given["model"] == "fcn" else "fcn"
    kept = [name for name in jobs.OF_THE_QUESTION if name in given and name not in ("dataset", "split")]
    same = {name: given[name] for name in kept}
    asked = ["--model", model, "--dataset", "streets", "--split", split]
    return shlex.join(["bench", "run", *asked, *words.spoken(run, same)])
