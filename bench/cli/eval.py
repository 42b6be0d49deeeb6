"""`bench eval`: score stored predictions against the ground truth of a data set, without any
model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.cli import startup
from bench.cli.options import DataOptions, JsonOption, RecordOptions, ScoringOptions, dataset
from bench.cli.parser.declarations import OptionSet, argument, flags_for, option
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.evaluation.jobs import Job
    from bench.opening import Data

_OBJECTS = {"instance": "objects", "panoptic": "panoptic segments"}


class PredictionOptions(OptionSet):
    """Which predictions are scored, against which ground truth, and how their files are read."""

    path: Path | None = argument(
        "DIR|FILE", help="Predictions, in place of --predictions.", default=None
    )
    predictions: Path | None = option(
        "--predictions",
        "-p",
        metavar="DIR|FILE",
        help="Predictions in the data set's format, or baseline:NAME.",
        default=None,
        group="Input",
    )
    dataset: str | None = dataset(default=None)
    truth: Path | None = option(
        "--truth",
        metavar="DIR",
        help="Folder of ground-truth label maps named like the predictions, in place of --dataset.",
        default=None,
        group="Input",
    )
    classes: str | None = option(
        "--classes",
        metavar="A,B,C|N",
        help="With --truth: names of the classes 0, 1, ..., or the number of classes.",
        default=None,
        group="Input",
    )
    ignore: str | None = option(
        "--ignore",
        metavar="LIST|none",
        help="With --truth: ground-truth values that are not scored, such as 255.",
        default=None,
        group="Input",
    )
    task: Literal["auto", "semantic", "instance", "panoptic"] = option(
        "--task",
        help="Prediction type; auto infers it from the files.",
        default="auto",
        group="Input",
    )
    label_space: Literal["ids", "train-ids"] | None = option(
        "--label-space",
        help="Values of predicted label maps: the data set's ids (default), or train ids.",
        default=None,
        group="Input",
    )
    resize: Literal["no", "nearest"] | None = option(
        "--resize",
        help=(
            "Resize label maps whose size differs from the ground truth; default: no, refuse them."
        ),
        default=None,
        group="Input",
    )


def command(
    predictions: PredictionOptions,
    data: DataOptions,
    scoring: ScoringOptions,
    records: RecordOptions,
    output: JsonOption,
) -> int:
    """Score stored predictions against the ground truth.

    Reads predictions in the data set's official format and writes a run record. It needs neither
    the model nor torch.

    Examples:
        bench eval --predictions results/ --dataset cityscapes --data ~/cityscapes
        bench eval results/ --truth masks/ --classes background,cell

    The second one scores two folders of label maps, which need no card.
    """
    with startup.loading():
        path = _path(predictions)
        startup.begin_reading(path, data.root, scoring.metrics)
        return _evaluate(path, predictions, data, scoring, records, as_json=output.as_json)


def _evaluate(
    path: Path,
    predictions: PredictionOptions,
    data: DataOptions,
    scoring: ScoringOptions,
    records: RecordOptions,
    *,
    as_json: bool,
) -> int:
    from bench.cli import evaluating

    opened = _open(path, predictions, data, quiet=as_json)
    baseline = _baseline(path)
    if baseline:
        job = _baseline_job(baseline, opened, predictions, scoring, records)
        return evaluating.carry_out(job, records, as_json=as_json, metrics=scoring.metrics)
    job = _predictions_job(path, opened, predictions, scoring, records, is_part=data.is_part)
    names = ("dataset", "truth", "classes", "ignore")
    another = evaluating.shuffled_command(
        flags_for(predictions, names),
        data,
        scoring,
        records,
        task=job.task,
        images=len(opened.samples),
    )
    return evaluating.carry_out(
        job, records, as_json=as_json, another=another, metrics=scoring.metrics
    )


def _path(options: PredictionOptions) -> Path:
    """The predictions, which are given once: as argument or as option.

    Raises:
        UsageError: they are given twice, or not at all.
    """
    paths = [path for path in (options.path, options.predictions) if path is not None]
    if len(paths) == 1:
        return paths[0]
    problem = "the predictions are given twice" if paths else "--predictions/-p is missing"
    raise UsageError(f"{problem}: bench eval DIR|FILE, or bench eval --predictions DIR|FILE")


def _baseline(path: Path) -> str:
    """The name in `baseline:NAME`; "" for stored predictions."""
    kind, _, name = str(path).partition(":")
    return name if kind == "baseline" else ""


def _open(path: Path, options: PredictionOptions, data: DataOptions, *, quiet: bool) -> Data:
    """Open the ground truth: a data set with a card, or the folder of --truth."""
    from bench.cli import evaluating, without_card

    if options.truth is None:
        without_card.refuse_without_truth(
            {"classes": options.classes, "ignore": options.ignore}, options.dataset
        )
        return evaluating.open_with_progress(
            str(options.dataset),
            data.split,
            root=data.root,
            layout_name=data.layout,
            ids=data.ids,
            limit=data.limit,
            quiet=quiet,
        )
    of_data_sets = {
        "dataset": options.dataset,
        "split": data.split,
        "data": data.root,
        "layout": data.layout,
    }
    without_card.refuse_others(of_data_sets, options.label_space, options.task)
    return without_card.open_folders(
        options.truth,
        path,
        classes=options.classes,
        ignore=options.ignore,
        ids=data.ids,
        limit=data.limit,
    )


def _baseline_job(
    baseline: str,
    opened: Data,
    options: PredictionOptions,
    scoring: ScoringOptions,
    records: RecordOptions,
) -> Job:
    from bench.evaluation.boxes_only import boxes_of_truth
    from bench.evaluation.choosing import rules_for
    from bench.evaluation.settings import require_semantic
    from bench.evaluation.stored import made_from_truth

    how_read = {"label_space": options.label_space, "resize": options.resize}
    require_semantic(how_read, what="baselines, which are made from the truth")
    task: str = options.task
    if task == "auto":
        task = "semantic" if "semantic" in opened.card.tasks else opened.card.tasks[0]
    boxes = boxes_of_truth(opened.samples, task, scoring.metrics)
    return made_from_truth(
        opened.card,
        opened.split,
        opened.samples,
        baseline,
        root=opened.root,
        task=task,
        rules=rules_for(opened.card, task, masks=not boxes, **scoring.settings()),
        name=records.name,
        notices=(*opened.notices, *boxes),
    )


def _predictions_job(
    path: Path,
    opened: Data,
    options: PredictionOptions,
    scoring: ScoringOptions,
    records: RecordOptions,
    *,
    is_part: bool,
) -> Job:
    from bench.errors import PredictionError
    from bench.evaluation.boxes_only import boxes_alone, boxes_of_results, boxes_of_truth
    from bench.evaluation.choosing import rules_for
    from bench.evaluation.kinds import task_of
    from bench.evaluation.settings import require_semantic
    from bench.evaluation.stored import stored_predictions

    path = path.expanduser()
    if not path.exists():
        raise PredictionError(f"--predictions {path}: there is no such folder or file")
    task = task_of(path, opened.card) if options.task == "auto" else options.task
    if task != "semantic":
        how_read = {"label_space": options.label_space, "resize": options.resize}
        require_semantic(how_read, what=_OBJECTS[task])
    if task == "instance" and boxes_alone(path):
        boxes = boxes_of_results(scoring.metrics)
    else:
        boxes = boxes_of_truth(opened.samples, task, scoring.metrics)
    return stored_predictions(
        opened.card,
        opened.split,
        opened.samples,
        path,
        task=task,
        space=options.label_space or "ids",
        resize=options.resize == "nearest",
        rules=rules_for(opened.card, task, masks=not boxes, **scoring.settings()),
        name=records.name,
        root=opened.root,
        some=is_part,
        notices=(*opened.notices, *boxes),
    )
