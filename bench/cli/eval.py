"""`bench eval`: stored predictions against a data set's truth, without any model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from bench.cli import jobs, startup, without_card
from bench.cli.options import (
    AreaFrom,
    AreaRanges,
    AsJson,
    BoundaryMode,
    ClassesIn,
    Crop0,
    DataFolder,
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
from bench.cli.words import argument, option
from bench.errors import UsageError


def evaluate(  # noqa: PLR0913 - an option each
    found: Annotated[Path | None, argument("DIR|FILE", help="Same as --predictions.")] = None,
    *,
    predictions: Annotated[
        Path | None,
        option(
            "--predictions", "-p", metavar="DIR|FILE", help="Predictions in the data set's format, or baseline:NAME."
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        option("--dataset", "-d", metavar="NAME|CARD.toml", help="Data set: a shipped card or your own."),
    ] = None,
    truth: Annotated[
        Path | None,
        option(
            "--truth", metavar="DIR", help="Ground-truth label maps named like the predictions, instead of --dataset."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        option("--classes", metavar="A,B,C|N", help="With --truth: names of the classes 0, 1, ..., or their number."),
    ] = None,
    ignore: Annotated[
        str | None,
        option(
            "--ignore", metavar="LIST|none", help="With --truth: ground-truth values that do not count, such as 255."
        ),
    ] = None,
    split: SplitName = None,
    data: DataFolder = None,
    task: Annotated[
        Literal["auto", "semantic", "instance", "panoptic"],
        option("--task", help="What the predictions answer; auto tells by how they lie."),
    ] = "auto",
    label_space: Annotated[
        Literal["ids", "train-ids"] | None,
        option("--label-space", help="Values of predicted label maps: the data set's ids (default), or train ids."),
    ] = None,
    resize: Annotated[
        Literal["no", "nearest"] | None,
        option("--resize", help="Resize label maps whose size differs from the ground truth; default: refuse them."),
    ] = None,
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
    as_json: AsJson = False,
) -> int:
    """Score stored predictions against the truth.

    Reads predictions in the data set's official format and writes a run record; needs no model and no torch.

    Example:  bench eval --predictions results/ --dataset cityscapes --data ~/cityscapes

    Two folders of label maps need no card:  bench eval results/ --truth masks/ --classes background,cell
    """
    given = dict(locals())
    if (found is None) == (predictions is None):
        problem = "--predictions/-p is missing" if found is None else "give the predictions once"
        raise UsageError(f"{problem}: bench eval DIR|FILE, or bench eval --predictions DIR|FILE")
    asked_for = found or predictions or Path()
    given |= {"found": None, "predictions": asked_for}
    startup.begin_reading(asked_for, data, metrics)
    from bench.errors import PredictionError
    from bench.evaluation.choosing import boxes_alone, boxes_of_results, boxes_of_truth, rules_for
    from bench.evaluation.kinds import task_of
    from bench.evaluation.settings import require_semantic
    from bench.evaluation.stored import made_from_truth, stored_predictions

    if truth is not None:
        without_card.refuse_others(
            {"dataset": dataset, "split": split, "data": data, "layout": layout}, label_space, task
        )
        opened = without_card.open_folders(truth, asked_for, classes=classes, ignore=ignore, ids=ids, limit=limit)
    else:
        without_card.refuse_without_truth({"classes": classes, "ignore": ignore}, dataset)
        where: dict[str, Any] = {"root": data, "layout_name": layout, "ids": ids, "limit": limit}
        opened = jobs.open_with_progress(str(dataset), split, **where, quiet=as_json)
    asked = jobs.settings_of(given)
    kind, _, baseline = str(asked_for).partition(":")
    read = {"label_space": label_space, "resize": resize}
    if kind == "baseline" and baseline:
        require_semantic(read, what="baselines, which are made from the truth")
        first = "semantic" if "semantic" in opened.card.tasks else opened.card.tasks[0]
        answered = first if task == "auto" else task
        boxes = boxes_of_truth(opened.samples, answered, metrics)
        rules = rules_for(opened.card, answered, masks=not boxes, **asked)
        job = made_from_truth(
            opened.card,
            opened.split,
            opened.samples,
            baseline,
            root=opened.root,
            task=answered,
            rules=rules,
            name=name,
            notices=(*opened.notices, *boxes),
        )
        return jobs.carry_out(job, out=out, resume=resume, overwrite=overwrite, as_json=as_json)
    path = asked_for.expanduser()
    if not path.exists():
        raise PredictionError(f"--predictions {path}: there is no such folder or file")
    answered = task_of(path, opened.card) if task == "auto" else task
    if answered != "semantic":
        require_semantic(read, what={"instance": "objects", "panoptic": "panoptic segments"}[answered])
    masks = answered != "instance" or not boxes_alone(path)
    boxes = boxes_of_truth(opened.samples, answered, metrics) if masks else boxes_of_results(metrics)
    rules = rules_for(opened.card, answered, masks=not boxes, **asked)
    job = stored_predictions(
        opened.card,
        opened.split,
        opened.samples,
        path,
        task=answered,
        space=label_space or "ids",
        resize=resize == "nearest",
        rules=rules,
        name=name,
        root=opened.root,
        some=limit is not None or ids is not None,
        notices=(*opened.notices, *boxes),
    )
    another = jobs.against_shuffled(given, answered, len(opened.samples))
    return jobs.carry_out(job, out=out, resume=resume, overwrite=overwrite, as_json=as_json, another=another)
