"""`bench compare`: which of several runs is better, by how much, and whether the difference is real."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.cli import console
from bench.cli.options import AsJson

if TYPE_CHECKING:
    from bench.runs import Run


def compare(  # noqa: PLR0913 - an option each
    run_folders: Annotated[
        list[Path], typer.Argument(metavar="RUN RUN [RUN ...]", help="Run records: their folders, or one above.")
    ],
    *,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric", metavar="NAME", help="Score to compare, such as mIoU, AP, PQ, mIoU@crop-200, IoU:car."
        ),
    ] = None,
    by: Annotated[Literal["class"] | None, typer.Option("--by", help="Show the difference of every class.")] = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Chance of a false finding that you accept.")] = 0.05,
    correction: Annotated[
        Literal["holm", "bh", "maxt"], typer.Option("--correction", help="Correction for many pairs, or classes.")
    ] = "holm",
    interval: Annotated[
        Literal["default", "percentile", "bca", "studentised"],
        typer.Option("--interval", help="How intervals are made: jackknife (AP: bootstrap) with t, or a bootstrap's."),
    ] = "default",
    permutations: Annotated[
        int | None, typer.Option("--permutations", min=100, help="Swaps drawn; default: 10000, for AP 1000.")
    ] = None,
    common_images: Annotated[
        bool, typer.Option("--common-images", help="Compare on the images that all runs have.")
    ] = False,
    seeds: Annotated[
        bool,
        typer.Option("--seeds", help="Runs named alike (deeplab, deeplab-seed2) are trainings of one model."),
    ] = False,
    across: Annotated[
        bool, typer.Option("--across", help="Rank models, by name, over the several data sets that the runs are of.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Compare runs: which is better, by how much, and is it real?

    Needs the run records only: no images, no models.

    Example:  bench compare runs/streets-val/deeplab runs/streets-val/fcn --by class
    """
    from bench import runs
    from bench.comparison import compare as compare_runs
    from bench.render.comparison import report
    from bench.render.comparison_json import comparison_json
    from bench.runs.finding import find_record

    alone = {"--by": by is not None, "--correction": correction != "holm", "--interval": interval != "default"}
    alone["--permutations"] = permutations is not None
    if across:
        _require_none("--across", {**alone, "--seeds": seeds, "--common-images": common_images})
    elif seeds:
        _require_none("--seeds", alone)
    read = [runs.read(find_record(folder.expanduser())) for folder in run_folders]
    if across:
        return _rank_across(read, metric=metric, alpha=alpha, as_json=as_json)
    if seeds:
        return _compare_seeds(read, metric=metric, alpha=alpha, common_images=common_images, as_json=as_json)
    found = compare_runs(
        *read,
        metric=metric,
        by_class=by == "class",
        alpha=alpha,
        correction=correction,
        common_images=common_images,
        permutations=permutations,
        method=interval,
    )
    if as_json:
        console.say_json(comparison_json(found))
    else:
        console.say(report(found))
    return 0


def _require_none(asked: str, others: dict[str, bool]) -> None:
    """Refuse options that would change nothing."""
    from bench.errors import UsageError

    for name, given in others.items():
        if given:
            raise UsageError(f"{name} does not go with {asked}, for which it means nothing")


def _compare_seeds(read: list[Run], *, as_json: bool, **options: Any) -> int:
    """Compare the trainings of models, told apart by their names."""
    from bench.comparison.seeds import by_model, compare_seeds
    from bench.render import seeds as render

    found = compare_seeds(by_model(read), **options)
    if as_json:
        console.say_json(render.seeds_json(found))
    else:
        console.say(render.report(found))
    return 0


def _rank_across(read: list[Run], *, as_json: bool, **options: Any) -> int:
    """Rank models over data sets."""
    from bench.comparison.across import rank_across
    from bench.render import across as render

    found = rank_across(read, **options)
    if as_json:
        console.say_json(render.across_json(found))
    else:
        console.say(render.report(found))
    return 0
