"""`bench run`: a model on a data set, from images to a table of scores and a run record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli import jobs
from bench.cli.options import (
    AsJson,
    BoundaryMode,
    ClassesIn,
    Crop0,
    DataFolder,
    DatasetName,
    IdsFile,
    IntervalChoice,
    LayoutName,
    Limit,
    Metrics,
    Name,
    Out,
    Regions,
    Resume,
    SplitName,
)


def run(  # noqa: PLR0913 - an option each
    *,
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", metavar="NAME", help="Model: see `bench list models`, or package.module:function."
        ),
    ],
    dataset: DatasetName = "streets",
    split: SplitName = None,
    data: DataFolder = None,
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="FILE", help="Checkpoint; default: the one that ships.")
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where the network runs.")
    ] = "auto",
    batch_size: Annotated[int | None, typer.Option("--batch-size", metavar="N", help="Images a step.")] = None,
    amp: Annotated[bool, typer.Option("--amp", help="Mixed precision.")] = False,
    input_size: Annotated[
        str | None, typer.Option("--input-size", metavar="HxW", help="Resize images to this before the network.")
    ] = None,
    limit: Limit = None,
    ids: IdsFile = None,
    layout: LayoutName = None,
    metrics: Metrics = "default",
    regions: Regions = "",
    crop0: Crop0 = "full",
    boundary_mode: BoundaryMode = "gscnn",
    classes_in: ClassesIn = None,
    interval: IntervalChoice = "default",
    name: Name = None,
    out: Out = Path("runs"),
    resume: Resume = False,
    save_predictions: Annotated[
        bool, typer.Option("--save-predictions", help="Keep the predictions in the data set's official format.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Run a model on a data set and score it.

    Writes a run record, from which bench show and later comparisons need neither images nor the model.

    Example:  bench run --model deeplab --dataset cityscapes --data ~/cityscapes --weights mine.pth
    """
    from bench import models
    from bench.cards import load_card
    from bench.choosing import rules_for
    from bench.jobs import Job

    if batch_size is not None and batch_size < 1:
        raise typer.BadParameter("--batch-size is at least 1")
    # The model first: a wrong checkpoint should be known before a data set is drawn or read.
    options = models.Options(
        weights=weights,
        device=device,
        batch_size=batch_size,
        amp=amp,
        input_size=_size(input_size),
        confidence=not {"ECE", "MCE", "calibration"}.isdisjoint(metrics.split(",")),
    )
    loaded = models.load(model, load_card(dataset), options)
    opened = jobs.open_with_progress(dataset, split, root=data, layout_name=layout, ids=ids, limit=limit, quiet=as_json)
    asked = {"crop0": crop0, "boundary_mode": boundary_mode, "classes_in": classes_in, "interval": interval}
    rules = rules_for(opened.card, loaded.task, metrics=metrics, regions=regions, **asked)
    job = Job(
        card=opened.card,
        split=opened.split,
        samples=opened.samples,
        name=name or model,
        identity=dict(loaded.identity),
        settings=dict(loaded.settings),
        model=loaded,
        rules=rules,
        save_predictions=save_predictions,
        sources={"data": str(opened.root.resolve())},
    )
    another = f"bench run --model {'deeplab' if model == 'fcn' else 'fcn'} --dataset {dataset} --split {opened.split}"
    return jobs.carry_out(job, out=out, resume=resume, as_json=as_json, another=another)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, _, width = text.lower().partition("x")
    if not (height.isdigit() and width.isdigit() and int(height) > 0 and int(width) > 0):
        raise typer.BadParameter(f"--input-size {text}: height and width in pixels, such as 512x1024")
    return int(height), int(width)
