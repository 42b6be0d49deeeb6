"""`bench run`: a model on a data set, from images to a table of scores and a run record."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from bench.cli import console, model_options
from bench.cli.model_options import ModelOptions
from bench.cli.options import DataOptions, JsonOption, RecordOptions, ScoringOptions, dataset
from bench.cli.parser.declarations import OptionSet, flag

if TYPE_CHECKING:
    from bench.models import Options


class InputOptions(OptionSet):
    """The data set."""

    dataset: str = dataset(default="streets")


class OutputOptions(OptionSet):
    """What is written beside the run record."""

    save_predictions: bool = flag(
        "--save-predictions",
        help="Also write the predictions, in the data set's official format.",
        group="Output",
    )


def command(
    inputs: InputOptions,
    data: DataOptions,
    model: ModelOptions,
    *,
    scoring: ScoringOptions,
    records: RecordOptions,
    outputs: OutputOptions,
    output: JsonOption,
) -> int:
    """Run a model on a data set and score it.

    Writes a run record, from which `bench show` and `bench compare` work without the images or the
    model.

    Example:
        bench run --model deeplab --dataset cityscapes --data ~/cityscapes --weights mine.pth
    """
    from bench import models, opening
    from bench.cli import evaluating
    from bench.evaluation.answered import files_digest
    from bench.evaluation.boxes_only import boxes_of_truth
    from bench.evaluation.choosing import require_rules, rules_for
    from bench.evaluation.jobs import FromModel, Job

    options, as_json = _model_options(model, scoring), output.as_json
    # Checks without torch come first, because loading torch takes seconds. A data set that is read
    # is opened next; one that must be drawn takes longer, so the model is loaded before it and a
    # wrong checkpoint is reported early.
    evaluating.require_folder(records.out)
    question = opening.asked(
        inputs.dataset, data.split, layout_name=data.layout, ids=data.ids, limit=data.limit
    )
    card = question.card
    answers = models.check(model.model, card, options)
    drawn_later = opening.draws(card, question.split, data.root)
    opened = None
    if not drawn_later:
        opened = evaluating.open_asked(question, root=data.root, quiet=as_json)
        card = opened.card
    require_rules(card, answers, **scoring.settings())
    with console.prints_to_stderr(as_json=as_json):
        loaded = models.load(model.model, card, options)
    if opened is None:
        opened = evaluating.open_asked(question, root=data.root, quiet=as_json)
    boxes = boxes_of_truth(opened.samples, loaded.task, scoring.metrics)
    job = Job(
        card=opened.card,
        split=opened.split,
        samples=opened.samples,
        name=records.name or model.model,
        identity=dict(loaded.identity),
        settings=dict(loaded.settings),
        predictions=FromModel(loaded, latency=model.latency),
        rules=rules_for(opened.card, loaded.task, masks=not boxes, **scoring.settings()),
        task=loaded.task,
        save_predictions=outputs.save_predictions,
        sources={"data": str(opened.root.resolve())},
        files=None if answers is None else files_digest(opened.root, records.out),
        notices=(*opened.notices, *boxes),
    )
    another = ""
    if inputs.dataset == "streets" and loaded.task == "semantic":
        another = _other_model(model.model, opened.split, data, scoring, records)
    else:
        another = evaluating.shuffled_command(
            ["--dataset", inputs.dataset],
            data,
            scoring,
            records,
            task=loaded.task,
            images=len(opened.samples),
        )
    return evaluating.carry_out(
        job, records, as_json=as_json, another=another, metrics=scoring.metrics
    )


def _model_options(model: ModelOptions, scoring: ScoringOptions) -> Options:
    from bench import models
    from bench.cli import evaluating

    options: dict[str, Any] = {
        "weights": model.weights,
        "task": model.task,
        "device": model.device,
        "batch_size": model.batch_size,
        "amp": model.amp,
        "compile": model.compile,
        "input_size": model_options.size("--input-size", model.input_size),
        "window": model_options.size("--window", model.window),
        "flip": model.flip,
        "confidence": evaluating.needs_confidence(scoring),
        "score_threshold": model.score_threshold,
        "detections": model.detections,
        "prompt": model.prompt,
        "prompts": model.prompts,
        "sidecar": model.config,
    }
    if model.overlap is not None:
        options["overlap"] = model.overlap
    if model.scales is not None:
        options["scales"] = model_options.numbers("--scales", model.scales)
    models.refuse_invalid(options)
    return models.Options(**options)


def _other_model(
    model: str, split: str, data: DataOptions, scoring: ScoringOptions, records: RecordOptions
) -> str:
    """The same command for another model that ships weights for streets."""
    from bench.cli import evaluating

    other = "deeplab" if model == "fcn" else "fcn"
    words = ["bench", "run", "--model", other, "--dataset", "streets", "--split", split]
    return shlex.join([*words, *evaluating.comparable_flags(data, scoring, records, split=False)])
