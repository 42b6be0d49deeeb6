"""`bench compare`: which of several runs is better, by how much, and whether the difference is
significant.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.cli import console
from bench.cli.options import JsonOption
from bench.cli.parser.declarations import OptionSet, argument, flag, option

if TYPE_CHECKING:
    from bench.runs import Run


class CompareOptions(OptionSet):
    """What is compared, and by which test."""

    run_folders: list[Path] = argument(
        "RUN", help="Run records: their folders, or folders with exactly one record below."
    )
    metric: str | None = option(
        "--metric",
        metavar="NAME",
        help=(
            "Metric to compare, such as mIoU, AP, PQ, mIoU@crop-200 or IoU:car; default: the "
            "main one."
        ),
        default=None,
        group="Comparison",
    )
    by: Literal["class"] | None = option(
        "--by", help="Show the difference of every class.", default=None, group="Comparison"
    )
    common_images: bool = flag(
        "--common-images", help="Compare on the images that all runs have.", group="Comparison"
    )
    seeds: bool = flag(
        "--seeds",
        help="Treat runs named alike (deeplab, deeplab-seed2) as trainings of one model.",
        group="Comparison",
    )
    across: bool = flag(
        "--across",
        help="Rank models, matched by name, across the data sets of the runs.",
        group="Comparison",
    )
    alpha: float = option(
        "--alpha", metavar="LEVEL", help="Significance level.", default=0.05, group="Statistics"
    )
    correction: Literal["holm", "bh", "maxt"] = option(
        "--correction",
        help="Correction for multiple comparisons: of pairs of runs, or of classes.",
        default="holm",
        group="Statistics",
    )
    interval: Literal["default", "percentile", "bca", "studentised"] = option(
        "--interval",
        help=(
            "Interval method: default (jackknife with t; AP: percentile bootstrap), or a bootstrap."
        ),
        default="default",
        group="Statistics",
    )
    permutations: int | None = option(
        "--permutations",
        metavar="N",
        help="Number of permutations; default: 10000, for AP 1000.",
        default=None,
        minimum=100,
        group="Statistics",
    )


def command(options: CompareOptions, output: JsonOption) -> int:
    """Compare runs: which is better, by how much, and is it significant?

    Needs only the run records, neither images nor models.

    Example:
        bench compare runs/streets-val/deeplab runs/streets-val/fcn --by class
    """
    from bench import runs
    from bench.comparison import compare
    from bench.render.comparison import report, verdict
    from bench.runs.finding import find_record

    _refuse_unused(options)
    compared = [runs.read(find_record(folder.expanduser())) for folder in options.run_folders]
    if options.across:
        return _rank_across(compared, options, as_json=output.as_json)
    if options.seeds:
        return _compare_seeds(compared, options, as_json=output.as_json)
    comparison = compare(
        *compared,
        metric=options.metric,
        by_class=options.by == "class",
        alpha=options.alpha,
        correction=options.correction,
        common_images=options.common_images,
        permutations=options.permutations,
        method=options.interval,
    )
    if output.as_json:
        console.say_json({"verdict": verdict(comparison), **comparison.to_dict()})
    else:
        console.say(report(comparison))
    return 0


def _refuse_unused(options: CompareOptions) -> None:
    """Refuse options that would change nothing.

    Raises:
        UsageError: the first one.
    """
    from bench.errors import UsageError

    of_plain_comparisons = {
        "--by": options.by is not None,
        "--correction": options.correction != "holm",
        "--interval": options.interval != "default",
        "--permutations": options.permutations is not None,
    }
    mode, unused = "--seeds", of_plain_comparisons
    if options.across:
        mode = "--across"
        unused |= {"--seeds": options.seeds, "--common-images": options.common_images}
    elif not options.seeds:
        return
    for name, is_given in unused.items():
        if is_given:
            raise UsageError(f"{name} has no effect with {mode}; leave it out")


def _compare_seeds(compared: list[Run], options: CompareOptions, *, as_json: bool) -> int:
    """Compare models by all their trainings, which are grouped by name."""
    from bench.comparison.seeds import by_model, compare_seeds
    from bench.render import seeds as render

    comparison = compare_seeds(
        by_model(compared),
        metric=options.metric,
        alpha=options.alpha,
        common_images=options.common_images,
    )
    if as_json:
        console.say_json(render.seeds_json(comparison))
    else:
        console.say(render.report(comparison))
    return 0


def _rank_across(compared: list[Run], options: CompareOptions, *, as_json: bool) -> int:
    """Rank models across data sets."""
    from bench.comparison.across import rank_across
    from bench.render import across as render

    ranking = rank_across(compared, metric=options.metric, alpha=options.alpha)
    if as_json:
        console.say_json(render.across_json(ranking))
    else:
        console.say(render.report(ranking))
    return 0
